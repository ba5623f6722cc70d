"""CodeDeploy for AWS Lambda, emulated: a local server that clients of AWS and GitHub can be pointed at.

`python -m codedeploy_emulator serve` runs it as a process; `Emulator` runs it inside another program.
"""

from .emulator import Emulator
from .errors import SeedError

__all__ = ["Emulator", "SeedError"]
