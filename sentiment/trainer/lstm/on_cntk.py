"""The steps as a user function of CNTK, its own way to be extended in Python."""

from typing import Any, Dict, List, Tuple

import cntk
import numpy as np

from sentiment.trainer.lstm.steps import backward, forward


class _Steps(cntk.ops.functions.UserFunction):  # type: ignore[misc]
    """inputs, kernel, recurrent kernel and bias to outputs, `[batch, time, units]`."""

    def infer_outputs(self) -> List[Any]:
        inputs, _, recurrent, _ = self.inputs
        return [cntk.output_variable((inputs.shape[0], recurrent.shape[0]), inputs.dtype, inputs.dynamic_axes)]

    def forward(self, arguments: List[np.ndarray], device: Any = None, outputs_to_retain: Any = None) -> Tuple[Any, np.ndarray]:
        outputs, passed = forward(*arguments)
        return (passed, arguments[1], arguments[2]), outputs

    def backward(self, state: Any, root_gradients: np.ndarray, variables: Dict[Any, np.ndarray]) -> None:
        for given, gradient in zip(self.inputs, backward(state[0], root_gradients, *state[1:])):
            if given in variables:
                variables[given] = gradient


def steps(training: bool, inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    return cntk.user_function(_Steps([inputs, kernel, recurrent, bias]))
