"""`dfp up`: the pipeline that the operator would run on a cluster, as processes on one machine."""
