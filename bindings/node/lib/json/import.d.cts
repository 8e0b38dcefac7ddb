// What is in the documents of others.

import type { FleetJSON } from './fleet.cjs'
import type { PolicyJSON } from './policy.cjs'
import type { InstanceSpec } from './release.cjs'

/** What was found. */
export interface Import {
  /** The services, by their names. */
  readonly services: { readonly [name: string]: ImportedService }
  /** What was not taken over, or was taken to be so, and why: a sentence for people each, sorted. */
  readonly notes: readonly string[]
}

/** What was found of one service. */
export interface ImportedService {
  /** What runs. */
  readonly fleet: FleetJSON
  /** How many should, where the platform says so. */
  readonly desired?: number
  /** What the platform keeps that number within when it scales by itself. */
  readonly bounds?: { readonly min: number; readonly max: number }
  /** How the platform would replace them, where it says so. */
  readonly policy?: PolicyJSON
  /** How instances are run, by their ids. The values may be secrets. */
  readonly specs?: { readonly [instance: string]: InstanceSpec }
}
