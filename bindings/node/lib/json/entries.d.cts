// What a ledger says. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

import type { RolloutEvent } from './events.cjs'
import type { Integrity } from './fleet.cjs'
import type { ReleaseJSON } from './release.cjs'

/** What a plan makes of one service. */
export interface PlannedChange {
  /** The digest of the fleet that there was. */
  readonly fleet: string
  /** The digest of the release that there is to be. */
  readonly release: string
  /** What an instance of it is. */
  readonly revision: string
  /** The service. */
  readonly service: string
}

/** What was found in instances of which the same is to be said. */
export interface InstanceVerdict {
  /** Their ids, sorted. */
  readonly instances: readonly string[]
  /** What their files are; unknown where they could not be looked into, or not all of them. */
  readonly integrity: Integrity
  /** What is not as it was shipped, or why nobody knows. */
  readonly reason?: string
  /** The digest of the release with whose image they were compared; none where nobody knows what they were launched from. */
  readonly release?: string
}

/** What became of a rollout. */
export type RolloutOutcome =
  /** What should run does. */
  | 'succeeded'
  /** It ended, and what should run does not. */
  | 'failed'
  /** It waits for somebody. Not the end of it. */
  | 'paused'
  /** Somebody stopped it, and things were left as they were. Says nothing of the release. */
  | 'aborted'
  /** It failed and went back by itself. */
  | {
    readonly rolledBack: {
      /** The digest of the release that runs again, by service. */
      readonly to: { readonly [name: string]: string }
    }
  }

/** What an entry says. */
export type LedgerRecord =
  /**
   * A release that can be rolled out, and gone back to: the whole document, so that nothing else is needed for it.
   * Says also that its image is there: recorded again, it undoes a `pruning`.
   */
  | {
    readonly kind: 'release'
    /** The release. */
    readonly release: ReleaseJSON
  }
  /** Somebody approves of a plan. */
  | {
    /** What it changes, sorted by service. */
    readonly changes: readonly PlannedChange[]
    readonly kind: 'approval'
    /** The digest of the plan. */
    readonly plan: string
  }
  /** A rollout begins. */
  | {
    /** What it changes, sorted by service. */
    readonly changes: readonly PlannedChange[]
    readonly kind: 'start'
    /** The digest of the plan. */
    readonly plan: string
    /** The rollout that it takes back, where it is a rollback. */
    readonly rollbackOf?: string
  }
  /** Something happened in a rollout. Who records every event that a rollout was told of can make it again. */
  | {
    /** What, and when: the time of the entry is when it was written. */
    readonly event: RolloutEvent
    readonly kind: 'event'
    /** The rollout. */
    readonly rollout: string
  }
  /** What became of a rollout. Where more than one is recorded of the same rollout, the last one counts. */
  | {
    readonly kind: 'outcome'
    /** What became of it. */
    readonly outcome: RolloutOutcome
    /** Why. */
    readonly reason?: string
    /** The rollout. */
    readonly rollout: string
  }
  /** Images were removed from where they were kept: releases of them cannot be gone back to. */
  | {
    /** The digests of their manifests, or of their configurations. */
    readonly images: readonly string[]
    readonly kind: 'pruning'
  }
  /** An image was tested: a command was run in an instance of it, before it was pushed or released. */
  | {
    /** The command. */
    readonly command: readonly string[]
    /** The digest of its manifest, or of its configuration. */
    readonly image: string
    readonly kind: 'test'
    /** Whether it ended with 0, as often as it was asked to. */
    readonly passed: boolean
    /** What was seen, where it did not. */
    readonly reason?: string
  }
  /** Instances of a service were looked into: their files were compared with those of the images that they were launched from. */
  | {
    /**
     * Whether only what was written since they were launched was read, which misses what was done to the image's own
     * files below.
     */
    readonly fast?: boolean
    readonly kind: 'verification'
    /** The service. */
    readonly service: string
    /** What was found, sorted. An instance that is in none of it was not looked into. */
    readonly verdicts: readonly InstanceVerdict[]
  }
  /** What somebody wants to be remembered. */
  | {
    /** The entry, plan or release that it is about. */
    readonly about?: string
    readonly kind: 'note'
    /** Free text. */
    readonly text: string
  }

/** One entry of a ledger. The digest of its canonical form names it. */
export interface LedgerEntry {
  /** Who did it, or let it be done: a person, a controller. Never empty. */
  readonly actor: string
  /** When, by the clock of who wrote it. */
  readonly at: string
  /** The digest of the entry before it; none of the first one. */
  readonly parent?: string
  /** What. */
  readonly record: LedgerRecord
  /** How many entries are before it. */
  readonly sequence: number
  /** The version of the format: 1. */
  readonly version: number
}

/** What a ledger says of one rollout of one service. */
export interface RolloutSummary {
  /** The rollout: the digest of the entry that it began with. */
  readonly rollout: string
  /** The digest of its plan. */
  readonly plan: string
  /** The digest of the fleet that there was. */
  readonly fleet: string
  /** The digest of the release that there was to be. */
  readonly release: string
  /** Who began it. */
  readonly actor: string
  /** Who approved of its plan before it began, in the order in which they did. */
  readonly approvedBy?: readonly string[]
  /** When it began. */
  readonly startedAt: string
  /** When what became of it was recorded; absent while it goes on, or waits for somebody. */
  readonly endedAt?: string
  /** What became of it; absent while nothing is recorded. */
  readonly outcome?: RolloutOutcome
  /** Why. */
  readonly reason?: string
  /** The rollout that it takes back, where it is a rollback. */
  readonly rollbackOf?: string
  /** How many events of it are recorded. */
  readonly events: number
}

/** Which images must be kept. */
export interface ImagesNeeded {
  /** The digests that name them: of manifests, indexes and configurations. */
  readonly digests: readonly string[]
  /** Those that only a provider has. */
  readonly ofProviders: readonly { readonly provider: string; readonly id: string }[]
  /** Digests of releases that are needed and not recorded: what their images are, is not known. */
  readonly unknown: readonly string[]
}
