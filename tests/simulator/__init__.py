"""A stand-in for Facebook Messenger: chat, account linking, webhook deliveries, Graph."""
