"""The resources that users write, as frozen models.

One description serves all: the parser of `dfp up`, the operator, and the schemas of the custom resource definitions.
"""
