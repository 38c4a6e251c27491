"""Dongfengpo: live trading signals for Chinese A-shares, from raw ticks to risk-checked opportunities."""
