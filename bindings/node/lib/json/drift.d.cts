// What is found of what runs. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

/** How many findings there are of each kind. */
export interface DriftCounts {
  /** `added` */
  readonly added: number
  /** Of all those, with severity critical. */
  readonly critical: number
  /** With severity info. */
  readonly info: number
  /** `modified` */
  readonly modified: number
  /** `mounted` */
  readonly mounted: number
  /** `removed` */
  readonly removed: number
  /** `vanished`, `changing` and `unreadable` */
  readonly unread: number
  /** With severity warning. */
  readonly warning: number
}

/** What was found in one folder and below it, but for what other lines say. */
export interface DirectorySummary {
  /** How many findings there are of each kind. */
  readonly counts: DriftCounts
  /** The folder; empty for the root. What is not UTF-8 is replaced. */
  readonly directory: string
  /** Some of the paths, the worst ones. */
  readonly examples: readonly string[]
  /** The worst severity. */
  readonly severity: Severity
}

/** What a drift finding is: stable text, the same in every language. Never reused. */
export type DriftCode =
  /** It is there, the image does not have it. */
  | 'added'
  /** The image has it, it is gone. */
  | 'removed'
  /** It is there, but not as the image has it. */
  | 'modified'
  /** Another filesystem is mounted over it, so what the image has there is hidden. */
  | 'mounted'
  /** It was gone when it was to be read. */
  | 'vanished'
  /** It changed while it was read, every time. */
  | 'changing'
  /** It could not be read. */
  | 'unreadable'

/** One fact of a report. */
export interface DriftFinding {
  /** What is there, by attribute. */
  readonly actual?: { readonly [name: string]: string }
  /**
   * Of a modified entry, what differs: `type`, `mode`, `uid`, `gid`, `size`, `content`, `target`, `device`,
   * `xattr:NAME`, `links` (which names share the file), `mtime`.
   */
  readonly attributes?: readonly string[]
  /** What it is. */
  readonly code: DriftCode
  /** What the image has, by attribute: of a modified entry, those that differ. */
  readonly expected?: { readonly [name: string]: string }
  /** The fact in a sentence, for people, with the reason of the severity. */
  readonly message: string
  /** Where: names joined by `/`, the root being the empty path. What is not UTF-8 is replaced. */
  readonly path: string
  /** The path's bytes as base64, where it is not UTF-8. */
  readonly pathBytes?: string
  /** How bad it is. */
  readonly severity: Severity
}

/** Something that differs and is no finding. */
export interface Ignored {
  /** What the finding would have been. */
  readonly code: DriftCode
  /** Where; as in a finding. */
  readonly path: string
  /** The path's bytes as base64, where it is not UTF-8. */
  readonly pathBytes?: string
  /** Why it is none. */
  readonly reason: IgnoredReason
  /** The pattern, the path of the profile's rule, or the declared mount. */
  readonly rule: string
}

/** Why something that differs is no finding. */
export type IgnoredReason =
  /** The caller's pattern. */
  | 'glob'
  /** A rule of the profile. */
  | 'profile'
  /** A mount that the caller declared. */
  | 'mount'

/** How bad a finding is: what someone could gain by it. */
export type Severity =
  /** Other code runs than was shipped, or somebody may do more than was meant. */
  | 'critical'
  /** It is not what was shipped. */
  | 'warning'
  /** What programs leave behind as they run: remarks, by which a tree does not count as drifted. */
  | 'info'

/** How what runs differs from what was shipped. The same trees and options give the same report. */
export interface DriftReportJSON {
  /** Bytes of files that the scan read. */
  readonly bytes: number
  /**
   * Whether everything was read, but for what was left out on request and what programs leave behind as they run. Not
   * `drifted` without `complete` is not a clean verdict.
   */
  readonly complete: boolean
  /** How many findings there are of each kind, those that were not kept included. */
  readonly counts: DriftCounts
  /** Whether something was added, removed, modified or mounted over, with severity critical or warning. */
  readonly drifted: boolean
  /** Entries of the scanned tree, the root included. */
  readonly entries: number
  /** What was found, in the order of the paths. Of more than the limit, the worst are kept. */
  readonly findings: readonly DriftFinding[]
  /** What differs and is no finding, since a profile, a pattern or a declared mount says so; in the order of the paths. */
  readonly ignored: readonly Ignored[]
  /** How many findings were not kept. */
  readonly more: number
  /** How many of these were not kept. */
  readonly moreIgnored: number
  /** The name of the profile that was applied. */
  readonly profile: string
  /** All findings by folder, condensed. */
  readonly summary: readonly DirectorySummary[]
}
