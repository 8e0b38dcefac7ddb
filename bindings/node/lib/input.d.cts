// What callers may give where a document is wanted.

import type { Fleet, Plan, Policy, Release } from './documents.cjs'
import type { FleetJSON } from './json/fleet.cjs'
import type { PlanJSON } from './json/plan.cjs'
import type { PolicyJSON } from './json/policy.cjs'
import type { ReleaseJSON } from './json/release.cjs'
import type { Amount, Digest, Platform, Reference, Revision, Time } from './texts.cjs'

/** A value that is a text. */
export type TextValue = Digest | Platform | Reference | Time | Amount | Revision

/** A moment: RFC 3339 with a zone, a `Time`, or a `Date`. */
export type Moment = string | Time | Date

/** Members that are moments, of whichever document. */
type Moments = 'at' | 'createdAt' | 'readyAt'

/** The class of a document, where its plain form may be given. */
type Whole<T> = T extends FleetJSON
  ? FleetJSON extends T ? Fleet : never
  : T extends ReleaseJSON
    ? ReleaseJSON extends T ? Release : never
    : never

/**
 * What may be given where a document is wanted, as its plain form: with castline's values in place of texts and documents,
 * bigints in place of numbers, and `null` for what is not stated.
 */
export type Input<T> = T extends string
  ? string extends T ? string | TextValue : T
  : T extends number
    ? T | bigint
    : T extends readonly (infer Item)[]
      ? number extends T['length'] ? readonly Input<Item>[] : { readonly [Key in keyof T]: Input<T[Key]> }
      : T extends object
        ? Whole<T> | InputMembers<T>
        : T

type InputMembers<T> = {
  readonly [Key in keyof T]: Key extends Moments
    ? Moment | (undefined extends T[Key] ? null | undefined : never)
    : Input<Exclude<T[Key], undefined>> | (undefined extends T[Key] ? null | undefined : never)
}

/** JSON in UTF-8, as text or as bytes. */
export type Text = string | Uint8Array

/** JSON as text, as bytes, or as a value. */
export type FleetInput = Text | Fleet | Input<FleetJSON>
export type ReleaseInput = Text | Release | Input<ReleaseJSON>
export type PolicyInput = Text | Policy | Input<PolicyJSON>
export type PlanInput = Text | Plan | Input<PlanJSON>

/** A number of things. */
export type Count = number | bigint

/** How work that can be stopped is watched. */
export interface Watched {
  /** Stops the work: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Called about twenty times a second, and once at the end. What it throws, or what a promise that it returns is rejected
   * with, stops the work and is what the work's promise is rejected with; such promises are waited for before the work's is settled.
   */
  readonly progress?: ((progress: Progress) => unknown) | undefined
}

/** How far work is. Totals are what the image declares, so they can be wrong for a broken one; 0 where they are not known. */
export interface Progress {
  /** Stored bytes read so far. */
  readonly bytes: bigint
  /** Stored bytes in all. */
  readonly totalBytes: bigint
  /** Blobs finished; entries, when a tree of files is scanned. */
  readonly blobs: number
  /** Blobs in all. */
  readonly totalBlobs: number
}

/** Work that cannot be stopped once it has begun. */
export interface Dropped {
  /**
   * Lets go of the work: the promise is rejected at once with the signal's reason. What waits for a thread is not begun; what
   * has begun ends by itself, and its result is dropped.
   */
  readonly signal?: AbortSignal | undefined
}
