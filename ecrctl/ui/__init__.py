"""What draws: tables, dashboards, plain lines."""
