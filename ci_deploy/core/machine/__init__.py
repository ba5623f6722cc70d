"""The state machine: `release.step`, and everything that it is made of. Pure: no clock, no network, no threads.

Its rules, in the order in which they matter:

- **A stage is level-triggered.** It looks at the state as it is now and decides what to ask for next; it remembers no
  question. So a step may come early, late or twice, and a stage is acted on after every observation.
- **One answer an action.** Every action is answered by exactly one observation, `Done` or `Failed`, if only by `Failed`
  with a bug. Until then its kind is in flight, and is not asked for again.
- **A late answer changes what is known, never where we are.** It is matched against the stage: one that the present
  stage did not ask for is dropped, but for two whose effect outlives every stage: what a creation made, and what
  CodeDeploy said to a stop. What an earlier attempt asked for is dropped too (`Flight.late`), and so is a reading of
  the alias from before the end, which is no verdict.
- **A failure is told by its kind.** It had no effect (throttled, expired: asked again), nobody knows (unreachable: what
  is there is looked at), or it is refused (the end, or the next best way). Nothing is created twice in doubt.
- **Only `Turn.end` ends a rollout**, with a verdict that says what the alias serves by a reading of the last minute;
  what nobody read is not said. Only `waves` begins, stops or rolls back a rollout for the sake of others, and whoever
  succeeded is begun again for that: a new attempt, with a marker of its own.
- **A signal takes away, and adds nothing but one stop.** After it nothing is created, published or repaired; a creation
  in flight is waited for, or looked for; the stop goes out in the very step. A second signal, or the end of the grace,
  ends the rollout with what is known, unsettled: the post step continues from there.
- **Time is an observation**, too: `Tick`. `dispatch.wake` says when a rollout has something to do by itself.

Where things are: `state/` has the records, each with its own transitions, `rollout.py` the state that they make and the
turn that changes it, `table.py` which stage follows which, `stages/` what each of them does, `dispatch.py` which answer
goes where, `waves.py` what functions of a release do for each other, `release.py` the step, `conclusion.py` the verdict
on the whole, `actions.py` the words that the machine and the world exchange.
"""
