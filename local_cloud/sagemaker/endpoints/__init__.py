"""Endpoints: their configurations, the serving containers behind them, and the calls that these answer."""
