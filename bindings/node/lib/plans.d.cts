import type { Plan, Release, Target } from './documents.cjs'
import type { Count, Dropped, Input, Moment } from './input.cjs'
import type { Bounds, Exploration, Proof, Timeline, World } from './json/proof.cjs'

/** One service, or several that are planned together. */
export type Targets = Target | Iterable<Target>

export interface PlanOptions extends Dropped {}
export interface CheckOptions extends Dropped {}

export interface ExploreOptions extends Dropped {
  /** Releases to go back to. */
  readonly fallback?: Iterable<Release> | undefined
  /** How many states are looked at, at most. */
  readonly states?: Count | undefined
  /** How many things may go wrong on one way. */
  readonly faults?: Count | undefined
}

export interface SimulateOptions extends Dropped {
  /** Releases to go back to. */
  readonly fallback?: Iterable<Release> | undefined
  /** How long things take, and how often they fail. */
  readonly world?: Input<World> | undefined
  /** When it begins: 1970-01-01T00:00:00Z where nothing is stated. */
  readonly at?: Moment | undefined
}

/** How these services get from what runs to what should. Rejects with an `InfeasibleError` before anything is touched. */
export declare function plan(targets: Targets, options?: PlanOptions): Promise<Plan>
/** The same, on this thread. */
export declare function planSync(targets: Targets): Plan
/** Proves that a plan is safe and does what was asked for. Rejects with a `ViolationError`. */
export declare function check(plan: Plan, targets: Targets, options?: CheckOptions): Promise<Proof>
/** The same, on this thread. */
export declare function checkSync(plan: Plan, targets: Targets): Proof
/** Executes a plan in every order in which things can happen; for small plans. Rejects with a `ViolationError`. */
export declare function explore(plan: Plan, targets: Targets, options?: ExploreOptions): Promise<Exploration>
/** Executes a plan in a simulated world. */
export declare function simulate(plan: Plan, targets: Targets, options?: SimulateOptions): Promise<Timeline>
/** How many waves a plan has, and the fewest that any plan could have. */
export declare function bounds(plan: Plan, targets: Targets, options?: { readonly world?: Input<World> | undefined }): Bounds
