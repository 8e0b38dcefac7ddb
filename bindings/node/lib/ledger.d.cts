import type { Release } from './documents.cjs'
import type { Input, Moment, Text } from './input.cjs'
import type { ImagesNeeded, LedgerEntry, LedgerRecord, RolloutSummary } from './json/entries.cjs'
import type { Digest } from './texts.cjs'

export interface LedgerOptions {
  /** It must end with the entry of this digest. */
  readonly head?: string | Digest | undefined
  /** It must contain the entry of this digest. */
  readonly within?: string | Digest | undefined
}

/** A chain of entries, each of which names the one before it by its digest. Immutable: appending gives another one. */
export declare class Ledger {
  #private
  /** The empty one. */
  constructor()
  /** Reads it from JSON lines, and verifies each link. Throws a `BrokenChainError`. */
  static fromLines(lines: Text, options?: LedgerOptions): Ledger
  /** Its lines: the canonical form of each entry, in UTF-8. */
  toLines(): Uint8Array
  /** This ledger and one entry more. */
  append(at: Moment, actor: string, record: Input<LedgerRecord>): Ledger
  /** The digest of the last entry. */
  readonly head: Digest | null
  /** How many entries it has. */
  readonly length: number
  /** The entries, the oldest first. */
  readonly entries: readonly LedgerEntry[]
  [Symbol.iterator](): IterableIterator<LedgerEntry>
  /** The rollouts of a service, the oldest first. */
  history(service: string): readonly RolloutSummary[]
  /** The digest of the release that runs. */
  current(service: string): Digest | null
  /** The recorded release of this digest. */
  release(digest: string | Digest): Release | null
  /** The last release before the current one that has succeeded. */
  previousGood(service: string): Release | null
  /** What to go back to from a release that has failed. */
  rollbackTarget(failed: Release): Release | null
  /** The images that must be kept to go back so many releases of each service. */
  imagesNeeded(keep: number | bigint): ImagesNeeded
  equals(other: unknown): boolean
}
