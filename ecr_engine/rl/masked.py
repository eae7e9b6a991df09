"""Statistics over valid tokens only."""

from __future__ import annotations

from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the entries of `values` where `mask` is 1, a scalar; padding neither adds nor dilutes."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor, *, keep_mean: bool) -> Tensor:
    """Values scaled to variance 1 over valid entries, and to mean 0 unless `keep_mean`; 0 where masked.

    The variance is the unbiased one (n - 1). Rewards are whitened with their mean kept, since shifting them would
    change what the policy is paid for; advantages without it.

    Args:
        values: [B, T].
        mask: [B, T].
        keep_mean: add the mean back.
    """
    mean = masked_mean(values, mask)
    count = mask.sum()
    variance = ((values - mean) ** 2 * mask).sum() / (count - 1).clamp(min=1)
    scaled = (values - mean) * (variance + 1e-8).rsqrt()
    return (scaled + mean if keep_mean else scaled) * mask
