import type { Dropped, Text, Watched } from './input.cjs'
import type { Identities } from './json/release.cjs'
import type { DriftReport, Inspection, Report } from './reports.cjs'
import type { Digest, Platform, Reference } from './texts.cjs'

/** Where an image is: a reference (`oci:DIR:TAG`), as text or value, or a `file:` URL, which is a path taken as it is. */
export type ImageSource = string | Reference | URL

/** Of which images. */
export interface Chosen {
  /** Those of this platform, or `all`. */
  readonly platform?: string | Platform | undefined
}

export interface VerifyOptions extends Chosen, Watched {
  /** Whether blobs and files that nothing refers to are findings, too. */
  readonly unreferenced?: boolean | undefined
  /** How many threads work, 1 at least; as many as there are cores where nothing is stated. */
  readonly jobs?: number | bigint | undefined
}

export interface InspectOptions extends Chosen, Watched {}

export interface TreeOptions extends Chosen, Watched {
  /** How many threads work, 1 at least; as many as there are cores where nothing is stated. */
  readonly jobs?: number | bigint | undefined
}

export interface ScanOptions extends Watched {}

export interface CompareOptions extends Dropped {
  /** What runtimes write themselves and is no drift. `none` where nothing is stated. */
  readonly profile?: 'docker' | 'podman' | 'kubernetes' | 'none' | undefined
  /** Patterns of paths that are not to be found. */
  readonly ignore?: Iterable<string> | undefined
  /** Paths that something is mounted at. */
  readonly mounts?: Iterable<string> | undefined
  /** Whether times of modification count. */
  readonly mtime?: boolean | undefined
}

/** An image of which every byte was checked and found right. Only `verify` makes one. */
export declare class VerifiedImage {
  #private
  private constructor()
  /** Its canonical identity. */
  readonly digest: Digest
  readonly platform: Platform | null
  /** The digests that name it in the wild. */
  readonly identities: Identities
  /** The digests of its layers, lowest first. */
  readonly layers: readonly Digest[]
  /** The bytes of its manifest. */
  readonly manifest: Uint8Array
  equals(other: unknown): boolean
}

/** What a verification yields. */
export interface Verification {
  readonly report: Report
  /** The images that may run. */
  readonly images: readonly VerifiedImage[]
}

/** A tree of files, as an image has it or as it was found. Immutable. */
export declare class Rootfs {
  #private
  private constructor()
  /** Reads it from JSON lines. */
  static fromJSONLines(lines: Text): Rootfs
  /** JSON lines, one for each entry, in the order of the paths. */
  toJSONLines(): Uint8Array
  /** The same as mtree(5). */
  toMtree(): Uint8Array
  /** How many entries it has. */
  readonly length: number
  equals(other: unknown): boolean
}

/** What a scan found. */
export declare class Scan {
  #private
  private constructor()
  /** A scan that found this tree, and read all of it. */
  static of(rootfs: Rootfs): Scan
  readonly rootfs: Rootfs
}

/** Whether the images that `image` names are what they claim: every byte is read and checked. */
export declare function verify(image: ImageSource, options?: VerifyOptions): Promise<Verification>
/** What `image` says that it holds. Reads the documents and no layer. */
export declare function inspect(image: ImageSource, options?: InspectOptions): Promise<Inspection>
/** The files of the one image that `image` names, verified on the way. Rejects with an `InvalidImageError`. */
export declare function tree(image: ImageSource, options?: TreeOptions): Promise<Rootfs>
/** Reads a root filesystem as it is: a folder, or `/proc/PID/root`. */
export declare function scan(root: string | URL, options?: ScanOptions): Promise<Scan>
/** How what was found differs from what was shipped. */
export declare function compare(shipped: Rootfs, actual: Scan | Rootfs, options?: CompareOptions): Promise<DriftReport>
