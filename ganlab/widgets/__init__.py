"""What waits for a hand: sliders, boards, explorers, pads, players, a curtain between two pictures."""

from ganlab.widgets.blind import BlindTest
from ganlab.widgets.board import Board
from ganlab.widgets.bound import BoundExplorer, BoundPicture, bound_state
from ganlab.widgets.clinic import Clinic
from ganlab.widgets.compare import Compare
from ganlab.widgets.dial import Dial
from ganlab.widgets.flow import FlowExplorer
from ganlab.widgets.game import GameBoard
from ganlab.widgets.kit import Latest, Panel, Picture, Stopwatch, image_slider, slider
from ganlab.widgets.latent import LatentExplorer
from ganlab.widgets.minimax import LOSS_COLOURS, GamePicture, MinimaxExplorer, game_state
from ganlab.widgets.mixer import ClassMixer, DirectionSliders
from ganlab.widgets.pad import DrawingPad, MaskPad
from ganlab.widgets.player import ClipPlayer, MotionMixer, Player
from ganlab.widgets.quiz import Quiz
from ganlab.widgets.threshold import ThresholdExplorer, threshold_state
from ganlab.widgets.walk import LatentWalk

__all__ = [
    "LOSS_COLOURS",
    "BlindTest",
    "Board",
    "BoundExplorer",
    "BoundPicture",
    "ClassMixer",
    "Clinic",
    "ClipPlayer",
    "Compare",
    "Dial",
    "DirectionSliders",
    "DrawingPad",
    "FlowExplorer",
    "GameBoard",
    "GamePicture",
    "LatentExplorer",
    "LatentWalk",
    "Latest",
    "MaskPad",
    "MinimaxExplorer",
    "MotionMixer",
    "Panel",
    "Picture",
    "Player",
    "Quiz",
    "Stopwatch",
    "ThresholdExplorer",
    "bound_state",
    "game_state",
    "image_slider",
    "slider",
    "threshold_state",
]
