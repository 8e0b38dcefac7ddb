// What runs. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

/** Whether an instance does its work. */
export type Health =
  /** It does. */
  | 'ready'
  /** Not now: starting, overloaded, failing its check. */
  | 'notReady'
  /** Not any more. */
  | 'failed'
  /** Nobody knows. Counts as not ready. */
  | 'unknown'

/** One running copy of a service, as a platform reports it. */
export interface Instance {
  /** When it was launched. */
  readonly createdAt?: string
  /**
   * What it costs to lose it, against the others: lower goes first (Kubernetes'
   * `controller.kubernetes.io/pod-deletion-cost`).
   */
  readonly deletionCost?: number
  /** Whether it does its work. */
  readonly health?: Health
  /** Its name, unique among all services that are planned together, and never used again: container ID, pod UID, `i-…`. */
  readonly id: string
  /** The image that the platform reports, in any form that castline reads, or the provider's name of it, as `ami-…`. */
  readonly image?: string
  /** Whether its files are those of its image. */
  readonly integrity?: Integrity
  /** Free text by key: rack, role, owner. */
  readonly labels?: { readonly [name: string]: string }
  /** How far its life has gone. */
  readonly phase?: Phase
  /** Since when it has been ready, without a break. */
  readonly readyAt?: string
  /** The revision of the release that it was launched from, where its labels say so. */
  readonly revision?: string
  /**
   * The place that it fills and its replacement inherits: a `StatefulSet`'s ordinal, a disk, an address. Two
   * instances never share one, so that one is retired before its replacement is launched.
   */
  readonly slot?: string
  /** Where it runs: what fails together. Empty where there are no zones. */
  readonly zone?: string
}

/** Whether the files of an instance are those of its image. */
export type Integrity =
  /** Nobody looked. */
  | 'unknown'
  /** They are. */
  | 'intact'
  /** They are not. */
  | 'compromised'

/** How far an instance's life has gone. */
export type Phase =
  /** Launched, and not yet running. */
  | 'pending'
  /** It runs. */
  | 'running'
  /** It is being retired: out of traffic, ending, not yet gone. It holds its place until it is gone. */
  | 'terminating'
  /** Out of traffic and kept to be looked at. It is no part of the service's capacity. */
  | 'quarantined'

/** An immutable snapshot of a service's instances, sorted by their ids. */
export interface FleetJSON {
  readonly instances: readonly Instance[]
  /** The service that they are copies of. */
  readonly service: string
}
