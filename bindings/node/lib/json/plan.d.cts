// How it gets there. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

import type { Gate, Reason, WindowJSON } from './policy.cjs'

/** What becomes of a retired instance. */
export type Disposal =
  /** It is drained, ended and removed. */
  | 'end'
  /** It is taken out of traffic as the limits allow, and kept. */
  | 'quarantine'
  /** It is taken out of traffic at once, and kept. */
  | 'isolate'

/** An instance to be launched. */
export interface Launch {
  /** The labels by which limits count it; those of what it replaces. */
  readonly labels?: { readonly [name: string]: string }
  /** In which slot, where what it replaces had one. */
  readonly slot?: string
  /** In which zone. */
  readonly zone?: string
}

/** What capacity must stay within: a budget of a policy, applied to what there is. */
export interface Limit {
  /** How many there may be. */
  readonly ceiling?: number
  /** How many there are when the plan is done. */
  readonly desired: number
  /** How many must stay available. */
  readonly floor?: number
  /** How many replacements may be under way. */
  readonly inFlight?: number
  /** What it is called in messages, e.g. `fleet web`, `zone a of web`. */
  readonly name: string
  /** The instances that it counts. */
  readonly of: LimitMembers
  /** It is about replacements for these reasons; all, where none is named. */
  readonly reasons?: readonly Reason[]
  /** It holds only within this window. */
  readonly window?: WindowJSON
}

/** The instances that a limit counts: of these services, in this zone, with this label, where each is stated. */
export interface LimitMembers {
  /** The label and its value. */
  readonly label?: readonly [string, string]
  /** Sorted; never empty. */
  readonly services: readonly string[]
  /** The zone. */
  readonly zone?: string
}

/** Which half of a replacement is first. */
export type ReplacementOrder =
  /** The new one is available before the old one is retired: it takes room above, for as long. */
  | 'launchFirst'
  /** The old one is gone before the new one is launched: it takes from what is available, for as long. */
  | 'retireFirst'

/** What a plan was made for, and of. */
export interface PlannedService {
  /** How many instances there are when it is done. */
  readonly desired: number
  /** The digest of the fleet. */
  readonly fleet: string
  /** How many instances stay as they are. */
  readonly kept: number
  /** The digest of the policy. */
  readonly policy: string
  /** The digest of the release. */
  readonly release: string
  /** What every instance is when the plan is done. */
  readonly revision: string
  /** The service. */
  readonly service: string
}

/** One step: an instance is retired, one is launched, or both, in the order that it says. */
export interface Replacement {
  /** What is launched. */
  readonly launch?: Launch
  /** Which of the two is first, where there are both. */
  readonly order: ReplacementOrder
  /** Why. */
  readonly reason: Reason
  /** What is retired. */
  readonly retire?: Retire
  /**
   * When it is done, from 1, if everything takes as long: in each wave all is begun that there is room for, room that
   * is made on the way included, and all of it is done before the next one.
   */
  readonly wave: number
}

/** An instance to be retired. */
export interface Retire {
  /** What becomes of it. */
  readonly disposal?: Disposal
  /** Its id. */
  readonly id: string
  /** What people know it by, where that is not its id: the label that imports set. */
  readonly name?: string
  /** In which zone it is. */
  readonly zone?: string
}

/** A part of a plan that ends in a gate, or in nothing but its end. */
export interface Stage {
  /** The positions of the stages that must be done before it, all of them smaller than its own. */
  readonly after?: readonly number[]
  /** What must hold then, before the stage is done. */
  readonly gate?: Gate
  /** What it is called in messages, unique in the plan, e.g. `web: canary 1 of 3`. */
  readonly name: string
  /** What is done, in this order as far as limits allow: one that has to wait does not hold up others. */
  readonly replacements?: readonly Replacement[]
  /** The service that it is about. */
  readonly service: string
  /** How much of the traffic goes to the new release once that is done, of a hundred. */
  readonly weight?: number
}

/**
 * How fleets get from what runs to what should: the ordered replacements, the numbers that capacity must stay within,
 * and what must hold in between. Immutable; whoever approves of its digest approves of exactly this.
 */
export interface PlanJSON {
  /** What capacity must stay within, as numbers. */
  readonly limits: readonly Limit[]
  /** The services, sorted by name. */
  readonly services: readonly PlannedService[]
  /** The parts that it is done in. One begins when all that it comes after are done and their gates have opened. */
  readonly stages: readonly Stage[]
  /** The version of the format: 1. */
  readonly version: number
}
