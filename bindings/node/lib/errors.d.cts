import type { DriftCode } from './json/drift.cjs'
import type { Constraint, Infeasible, InfeasibleCode, Violation, ViolationCode } from './json/proof.cjs'
import type { FindingCode } from './json/report.cjs'
import type { Report } from './reports.cjs'

/** What went wrong where the work itself could not be done. The same in every language; never reused. */
export type ErrorCode =
  /** The text is not a digest. */
  | 'INVALID_DIGEST'
  /** The bytes are not a manifest. */
  | 'INVALID_MANIFEST'
  /** The caller asked for the work to stop. */
  | 'CANCELLED'
  /** The text is not a platform. */
  | 'INVALID_PLATFORM'
  /** No thread can be started. */
  | 'NO_WORKERS'
  /** The text is not an image reference. */
  | 'INVALID_REFERENCE'
  /** A file or folder could not be read. */
  | 'IO'
  /** The source is of a kind that is not read. */
  | 'UNSUPPORTED'
  /** The text is not a pattern for paths. */
  | 'INVALID_GLOB'
  /** The text is not a number of instances. */
  | 'INVALID_AMOUNT'
  /** The text is not a moment. */
  | 'INVALID_TIME'
  /** The text is not a schedule by which a window opens. */
  | 'INVALID_WINDOW'
  /** A fleet, a release, a policy, an event or the like is not one; the message names the place. */
  | 'INVALID_DOCUMENT'
  /** The plan was made for other fleets, releases or policies. */
  | 'STALE_PLAN'
  /** One image was asked for, and there are several; the message lists them. */
  | 'SEVERAL_IMAGES'
  /** There is nothing that has files. */
  | 'NO_IMAGE'
  /** Bytes are not those that a digest announced. */
  | 'CONTENT_MISMATCH'
  /** A file changed while it was put into an image. */
  | 'SOURCE_CHANGED'
  /** An image that is to be built upon is not intact. */
  | 'NOT_INTACT'
  /** A registry wants to know who we are, or does not allow it. */
  | 'REGISTRY_UNAUTHORIZED'
  /** A registry has no such image, tag or blob. */
  | 'REGISTRY_NOT_FOUND'
  /** A registry cannot be reached, or cannot answer for the moment. */
  | 'REGISTRY_UNREACHABLE'
  /** A registry does not do what it was asked, or does not keep to the protocol. */
  | 'REGISTRY_REFUSED'
  /** The credentials or certificates that were given cannot be used. */
  | 'INVALID_CREDENTIALS'

/** What is wrong with an entry of a ledger. Never reused. */
export type LedgerCode =
  | 'torn'
  | 'malformed'
  | 'unknown-version'
  | 'not-canonical'
  | 'wrong-sequence'
  | 'wrong-parent'
  | 'anchor-missing'
  | 'after-head'

/**
 * Base of what castline throws. Arguments of a wrong type are a `TypeError` (`ERR_INVALID_ARG_TYPE`) and numbers out of range a
 * `RangeError` (`ERR_OUT_OF_RANGE`), as Node's own functions do it.
 */
export declare class CastlineError extends Error {
  protected constructor()
  /** Stable text, the same in every language; `INTERNAL` is a fault of castline's own, to be reported. */
  readonly code: ErrorCode | InfeasibleCode | ViolationCode | LedgerCode | 'INVALID_IMAGE' | 'INTERNAL'
}

/** A file or folder could not be read. */
export declare class SourceError extends CastlineError {
  private constructor()
  readonly code: 'IO'
  /** Which one. */
  readonly path: string
  /** The number of the system's error, negative as Node has it, e.g. -2; undefined where it was not the system that refused. */
  readonly errno: number | undefined
  /** The error that Node's own functions throw for that: its `code` is e.g. `ENOENT`. */
  readonly cause?: Error & { readonly code: string, readonly errno: number, readonly path: string }
}

/** What was asked for needs an image that is what it claims, and it is not. */
export declare class InvalidImageError extends CastlineError {
  private constructor()
  readonly code: 'INVALID_IMAGE'
  /** Why. */
  readonly report: Report
}

/** There is no plan. */
export declare class InfeasibleError extends CastlineError {
  private constructor()
  /** What kind of conflict it is. */
  readonly code: InfeasibleCode
  /** The constraints that cannot all hold. */
  readonly conflict: readonly Constraint[]
  /** All of it. */
  readonly detail: Infeasible
}

/** A plan is not safe, or not what was asked for. */
export declare class ViolationError extends CastlineError {
  private constructor()
  /** What kind of fault it is. */
  readonly code: ViolationCode
  /** The steps that lead there, the first one first. */
  readonly trace: readonly string[]
  /** All of it. */
  readonly detail: Violation
}

/** An entry of a ledger is not what it must be. */
export declare class BrokenChainError extends CastlineError {
  private constructor()
  /** What is wrong with it. */
  readonly code: LedgerCode
  /** How many entries are before it. */
  readonly position: number
  /** How many bytes are before it. */
  readonly offset: number
}

/** Every code there is, by kind. */
export declare const codes: {
  readonly error: readonly ErrorCode[]
  readonly finding: readonly FindingCode[]
  readonly drift: readonly DriftCode[]
  readonly infeasible: readonly InfeasibleCode[]
  readonly violation: readonly ViolationCode[]
  readonly ledger: readonly LedgerCode[]
}
