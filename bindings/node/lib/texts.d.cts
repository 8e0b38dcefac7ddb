import type { Count, Moment, Text } from './input.cjs'

/** A content digest, e.g. `sha256:…`. */
export declare class Digest {
  #private
  /** Throws `INVALID_DIGEST`. */
  constructor(text: string)
  /** The digest of a text's UTF-8, or of bytes, by SHA-256. */
  static of(content: Text): Digest
  readonly text: string
  /** `sha256`, `sha384`, `sha512` or `blake3`. */
  readonly algorithm: string
  /** What comes after the colon. */
  readonly encoded: string
  toString(): string
  toJSON(): string
  equals(other: unknown): boolean
}

/** What an image runs on, normalised, e.g. `linux/arm64/v8`. */
export declare class Platform {
  #private
  /** Throws `INVALID_PLATFORM`. */
  constructor(text: string)
  readonly text: string
  toString(): string
  toJSON(): string
  equals(other: unknown): boolean
}

/** Where an image is: `oci:DIR[:TAG][@DIGEST]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME[:TAG]]`. */
export declare class Reference {
  #private
  /** Throws `INVALID_REFERENCE`. */
  constructor(text: string)
  /** All that is at a path, taken as it is: a folder is an OCI layout, a file an archive of one. */
  static at(path: string | URL): Reference
  readonly text: string
  /** `oci`, `oci-archive`, … */
  readonly transport: string
  readonly path: string
  readonly tag: string | null
  readonly digest: string | null
  /** The position in the index, where one is given. */
  readonly position: number | null
  toString(): string
  toJSON(): string
  equals(other: unknown): boolean
}

/** A moment, in milliseconds. */
export declare class Time {
  #private
  /** RFC 3339 with a zone, or a `Date`. Throws `INVALID_TIME`. */
  constructor(text: string | Date)
  /** So many milliseconds after 1970-01-01T00:00:00Z, of the years 0 to 9999. */
  static fromMillis(millis: number): Time
  readonly text: string
  /** Milliseconds after 1970-01-01T00:00:00Z. */
  readonly millis: number
  toDate(): Date
  toString(): string
  toJSON(): string
  equals(other: unknown): boolean
}

/** A number of instances, or a share of them with its rounding: `3`, `25% up`, `25% down`. */
export declare class Amount {
  #private
  /** Throws `INVALID_AMOUNT`. */
  constructor(text: string)
  /** How many it is of so many. */
  of(total: Count): bigint
  readonly text: string
  toString(): string
  toJSON(): string
  equals(other: unknown): boolean
}

/** What an instance of a release is. */
export declare class Revision {
  #private
  constructor(text: string)
  readonly text: string
  toString(): string
  toJSON(): string
  equals(other: unknown): boolean
}

/** When work may be begun: a schedule as in crontab(5), how long it stays open, and a time zone of IANA's. */
export declare class Window {
  #private
  /** The time zone is UTC where none is given. Throws `INVALID_WINDOW`. */
  constructor(schedule: string, durationSeconds: Count, timeZone?: string)
  readonly schedule: string
  readonly durationSeconds: number
  readonly timeZone: string
  isOpen(now: Moment): boolean
  /** When it opens next, if ever. */
  nextOpen(now: Moment): Time | null
  equals(other: unknown): boolean
}
