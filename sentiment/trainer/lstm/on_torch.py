"""The steps as a function of PyTorch's."""

from typing import Any, Tuple

import torch

from sentiment.trainer.lstm.steps import backward, forward


class _Steps(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, *given: torch.Tensor) -> torch.Tensor:
        arrays = [tensor.detach().numpy() for tensor in given]
        outputs, passed = forward(*arrays)
        ctx.passed = passed, arrays[1], arrays[2]
        return torch.from_numpy(outputs)

    @staticmethod
    def backward(ctx: Any, wanted: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        passed, kernel, recurrent = ctx.passed
        return tuple(torch.from_numpy(gradient) for gradient in backward(passed, wanted.numpy(), kernel, recurrent))


def steps(training: bool, inputs: Any, *weights: Any) -> Any:
    return _Steps.apply(inputs, *(weight.value for weight in weights))
