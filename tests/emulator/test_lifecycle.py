"""One emulator after another in a process, and one whose time goes by itself."""

from __future__ import annotations

import requests

from codedeploy_emulator import Emulator
from tests.emulator.world import AT_ONCE, World


def test_an_emulator_may_be_closed_twice_and_another_made() -> None:
    with Emulator(speed=0) as first:
        assert requests.get(f"{first.url}/_emulator/health", timeout=5).json() == {"status": "ready"}
    first.close()
    # The time of a closed one stands still.
    assert first.advance(60) == first.now
    with Emulator(speed=0) as second:
        assert second.calls == []


def test_an_emulator_whose_time_goes_by_itself_can_still_be_moved_on() -> None:
    with Emulator(speed=1000, switches={"hooks": "succeed"}, start=1_790_000_000.0) as emulator:
        world = World(emulator)
        world.served()
        world.function("CodeDeployHook_a")
        world.group(config=AT_ONCE)
        deployment = world.deploy(before="CodeDeployHook_a")
        reached = emulator.advance(3600)
        assert emulator.now >= reached >= 1_790_003_600.0
        assert (world.status(deployment), world.traffic()) == ("Succeeded", {"2": 1.0})
        assert emulator.env["CI_DEPLOY_CLOCK_SPEED"] == "1000"
        for client in world._clients.values():
            client.close()
