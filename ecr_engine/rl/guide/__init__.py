"""The Python names of the RL enhancement guide, over this project's own parts.

| the guide's name | what it is here |
|---|---|
| `RLConfig` | the guide's flags as fields; each is one setting (`RLConfig.settings()`) |
| `RewardCalculator` | `rewards.composition.Composer` over plain texts |
| `CriticAgent` | `models.critic.CriticModel` over plain texts |
| `PPOTrainer` | `rl.trainer.PPOTrainer` itself |
"""
