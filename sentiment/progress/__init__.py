"""What a user sees of long work: how far it is, and the time that is left."""

from sentiment.progress.bars import Bar as Bar
from sentiment.progress.bars import remaining as remaining
from sentiment.progress.trainer_bars import KERAS_STARTS as KERAS_STARTS
from sentiment.progress.trainer_bars import EpochsBar as EpochsBar
from sentiment.progress.trainer_bars import TrainerBar as TrainerBar
from sentiment.progress.waiting import Wait as Wait
