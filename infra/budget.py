"""A monthly budget of one environment, which writes to people before it is spent."""

from __future__ import annotations

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from infra.settings import Settings

# Percent of the budget: what was spent, and what the month is forecast to cost.
SPENT, FORECAST = 80, 100


def budget(scope: Construct, settings: Settings) -> budgets.CfnBudget | None:
    """The budget, where the settings have one. It counts what bears the environment's tag.

    AWS counts by a tag once it is activated as a cost allocation tag, in the account that pays.
    """
    if settings.monthly_budget_usd is None or settings.alarm_email is None:
        return None
    parts = budgets.CfnBudget
    reader = parts.SubscriberProperty(address=settings.alarm_email, subscription_type="EMAIL")

    def told(kind: str, percent: int) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
        when = parts.NotificationProperty(
            comparison_operator="GREATER_THAN",
            notification_type=kind,
            threshold=percent,
            threshold_type="PERCENTAGE",
        )
        return parts.NotificationWithSubscribersProperty(notification=when, subscribers=[reader])

    return parts(
        scope,
        "Budget",
        budget=parts.BudgetDataProperty(
            budget_name=settings.prefix,
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=parts.SpendProperty(amount=settings.monthly_budget_usd, unit="USD"),
            cost_filters={"TagKeyValue": [f"user:environment${settings.name}"]},
        ),
        notifications_with_subscribers=[told("ACTUAL", SPENT), told("FORECASTED", FORECAST)],
    )
