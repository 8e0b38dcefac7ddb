import type { Fleet, Plan, Release } from './documents.cjs'
import type { Input, Moment } from './input.cjs'
import type { Next, RolloutEvent, RolloutProgress, RolloutStatus, Wait } from './json/events.cjs'
import type { Targets } from './plans.cjs'
import type { Time } from './texts.cjs'

export interface RolloutOptions {
  /** When it begins. */
  readonly at: Moment
  /** Releases to go back to. */
  readonly fallback?: Iterable<Release> | undefined
}

/**
 * A plan being executed: a state machine that is told what happened and asked what is to be done. It does nothing itself, and
 * reads no clock. Told the same events, it is in the same state.
 */
export declare class Rollout {
  #private
  /** Throws `STALE_PLAN` where the plan was made for others. */
  constructor(plan: Plan, targets: Targets, options: RolloutOptions)
  /** What is to be done now: the same action has the same key each time. */
  next(): Next
  /** Tells it what happened. */
  on(event: Input<RolloutEvent>): void
  readonly status: RolloutStatus
  /** Whether nothing comes any more. */
  readonly ended: boolean
  readonly progress: RolloutProgress
  /** What waits, and what for. */
  readonly waits: readonly Wait[]
  /** The fleet of a service, as far as events tell. */
  fleet(service: string): Fleet | null
  /** The plan that is executed now. */
  readonly plan: Plan
  /** The time of the last event. */
  readonly clock: Time
  /** Another one that goes on from the same state. */
  copy(): Rollout
  equals(other: unknown): boolean
}
