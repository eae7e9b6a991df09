"""The health watch: warnings of a PPO training that goes wrong, one file each."""
