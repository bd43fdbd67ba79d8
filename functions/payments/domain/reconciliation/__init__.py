"""The reconciliation with Stripe: pure rules that compare payments with Stripe and with orders."""
