import type { VerifiedImage } from './images.cjs'
import type { Count, FleetInput, Input, PlanInput, PolicyInput, ReleaseInput } from './input.cjs'
import type { FleetJSON, Instance } from './json/fleet.cjs'
import type { Limit, PlanJSON, Replacement, Stage } from './json/plan.cjs'
import type { PolicyJSON } from './json/policy.cjs'
import type { Timeline } from './json/proof.cjs'
import type { ProviderImage, ReleaseJSON } from './json/release.cjs'
import type { Digest, Revision } from './texts.cjs'

/** What every document has: one canonical form, and its digest. Immutable. */
interface Document<Plain> {
  /** Its plain form: frozen, the same object each time. */
  toJSON(): Plain
  /** Its form for people: indented JSON. */
  toString(): string
  /** Its canonical form (RFC 8785) in UTF-8, of which the digest is. */
  toCanonical(): Uint8Array
  /** The same in every language. */
  readonly digest: Digest
  /** Whether both say the same. */
  equals(other: unknown): boolean
}

/** An immutable snapshot of a service's instances, sorted by their ids. */
export declare class Fleet implements Document<FleetJSON> {
  #private
  /** In any order. Throws `INVALID_DOCUMENT` for an id that is empty or stands twice, and for a slot that two hold. */
  constructor(service: string, instances: Iterable<Input<Instance>>)
  static fromJSON(value: FleetInput): Fleet
  readonly service: string
  readonly instances: readonly Instance[]
  get(id: string): Instance | undefined
  [Symbol.iterator](): IterableIterator<Instance>
  toJSON(): FleetJSON
  toString(): string
  toCanonical(): Uint8Array
  readonly digest: Digest
  equals(other: unknown): boolean
}

/** How the fleet of a service may be replaced. */
export declare class Policy implements Document<PolicyJSON> {
  #private
  /** What is not stated has its default. Throws `INVALID_DOCUMENT`. */
  constructor(members?: Input<PolicyJSON>)
  static fromJSON(value: PolicyInput): Policy
  toJSON(): PolicyJSON
  toString(): string
  toCanonical(): Uint8Array
  readonly digest: Digest
  equals(other: unknown): boolean
}

/** What should run: a service, its image, and how many copies. */
export declare class Release implements Document<ReleaseJSON> {
  #private
  constructor(service: string, image: VerifiedImage, replicas: Count)
  /** Of an image that only its provider has: it can be named, not verified. */
  static ofProviderImage(service: string, image: Input<ProviderImage>, replicas: Count): Release
  static fromJSON(value: ReleaseInput): Release
  readonly service: string
  readonly replicas: number
  /** What an instance of it is. */
  readonly revision: Revision
  withReplicas(replicas: Count): Release
  toJSON(): ReleaseJSON
  toString(): string
  toCanonical(): Uint8Array
  readonly digest: Digest
  equals(other: unknown): boolean
}

/** The ordered replacements from fleets to releases under policies. Whoever approves of its digest approves of exactly this. */
export declare class Plan implements Document<PlanJSON> {
  #private
  private constructor()
  static fromJSON(value: PlanInput): Plan
  /** Whether there is nothing to do. */
  readonly empty: boolean
  /** How many waves it has, if everything takes as long. */
  readonly waves: number
  readonly stages: readonly Stage[]
  readonly limits: readonly Limit[]
  /** The replacements of all stages, in their order. */
  readonly replacements: readonly Replacement[]
  /** For a terminal of so many columns, 100 where nothing is stated. */
  toText(timeline?: Timeline, options?: { readonly width?: Count | undefined }): string
  /** As a drawing. */
  toSVG(timeline?: Timeline): string
  /** As a page of its own. */
  toHTML(timeline?: Timeline): string
  toJSON(): PlanJSON
  toString(): string
  toCanonical(): Uint8Array
  readonly digest: Digest
  equals(other: unknown): boolean
}

/** What is to become of one service. */
export declare class Target {
  #private
  constructor(fleet: Fleet, release: Release, policy?: Policy)
  readonly fleet: Fleet
  readonly release: Release
  readonly policy: Policy
}
