import type { Moment, Watched } from './input.cjs'
import type { BuiltImageJSON, BuiltJSON, BuiltLayerJSON } from './json/built.cjs'
import type { Platform, Reference } from './texts.cjs'

/** What an image is made of. Its members are those of a description in TOML; paths are relative to `folder`. */
export interface ImageDescription {
  /** The image that it is built upon, as a reference; from nothing where none is stated. */
  readonly base?: string | Reference | undefined
  /** What it runs on. Several: an index, whose images have the layers that are for them. */
  readonly platforms: readonly (string | Platform)[]
  /** When it was created, which is the time of its files, too: 1970 where nothing is stated. Nothing reads a clock. */
  readonly created?: Moment | undefined
  /** How layers are compressed. `gzip` where nothing is stated. */
  readonly compression?: 'gzip' | 'zstd' | 'none' | undefined
  /** Its layers, lowest first. */
  readonly layers?: readonly LayerDescription[] | undefined
  /** How it runs. */
  readonly config?: ConfigDescription | undefined
  readonly annotations?: { readonly [key: string]: string } | undefined
}

/** What a layer is made of: exactly one of `directory`, `file` and `tar`. */
export interface LayerDescription {
  readonly directory?: string | undefined
  readonly file?: string | undefined
  readonly tar?: string | undefined
  /** The place in the image: `/` where nothing is stated. */
  readonly to?: string | undefined
  /** `UID:GID`, or `keep`. `0:0` where nothing is stated. */
  readonly owner?: string | undefined
  /** `keep`, `normal` (0755 and 0644), or octal digits for all. */
  readonly modes?: string | undefined
  /** `created`, `clamp` (none later than that), or `keep`. */
  readonly times?: 'created' | 'clamp' | 'keep' | undefined
  /** `none`, `capabilities`, or `all`. */
  readonly xattrs?: 'none' | 'capabilities' | 'all' | undefined
  /** Patterns of paths that are left out. */
  readonly exclude?: readonly string[] | undefined
  /** For which platforms; for every one where nothing is stated. */
  readonly platforms?: readonly (string | Platform)[] | undefined
}

/** How an image runs. What is not stated is as in the base. */
export interface ConfigDescription {
  readonly entrypoint?: readonly string[] | undefined
  readonly cmd?: readonly string[] | undefined
  readonly env?: { readonly [name: string]: string } | undefined
  readonly user?: string | undefined
  readonly 'working-dir'?: string | undefined
  readonly labels?: { readonly [key: string]: string } | undefined
  /** `PORT` or `PORT/PROTOCOL`. */
  readonly 'exposed-ports'?: readonly string[] | undefined
  readonly volumes?: readonly string[] | undefined
  readonly 'stop-signal'?: string | undefined
}

export interface BuildOptions extends Watched {
  /** What paths in the description are relative to: the folder of the process where nothing is stated. A file's are relative to its own. */
  readonly folder?: string | URL | undefined
  /** Instead of what the description says. */
  readonly created?: Moment | undefined
  /** Instead of what the description says. */
  readonly compression?: 'gzip' | 'zstd' | 'none' | undefined
  /** How many threads work, 1 at least; as many as there are cores where nothing is stated. The bytes are the same for any number. */
  readonly jobs?: number | bigint | undefined
}

/** What was built. Iterates over its images. */
export declare class Built {
  #private
  private constructor()
  /** The digest of the manifest, or of the index where there are several platforms. */
  readonly digest: string
  readonly mediaType: string
  /** Bytes of the manifest or index. */
  readonly size: bigint
  /** The images, in the order of the platforms. */
  readonly images: readonly BuiltImage[]
  [Symbol.iterator](): IterableIterator<BuiltImage>
  /** As JSON.parse reads what the command line prints: sizes are numbers. */
  toJSON(): BuiltJSON
}

/** An image that was built. */
export interface BuiltImage extends Omit<BuiltImageJSON, 'size' | 'layers'> {
  /** Bytes of its manifest. */
  readonly size: bigint
  /** Its layers, lowest first; those of the base are left out. */
  readonly layers: readonly BuiltLayer[]
}

/** A layer that was built. */
export interface BuiltLayer extends Omit<BuiltLayerJSON, 'size' | 'bytes' | 'entries'> {
  /** Bytes as stored. */
  readonly size: bigint
  /** Bytes of the tar in it. */
  readonly bytes: bigint
  /** How many entries the tar has. */
  readonly entries: bigint
}

/**
 * Builds the image that `description` describes, which is the path of a file in TOML or its members, and stores it in `to`: an OCI
 * layout (`oci:DIR:TAG`) or archive (`oci-archive:FILE`). The same inputs give the same bytes, on any number of cores and in every
 * language. Linux only.
 */
export declare function build(
  description: string | URL | ImageDescription, to: string | Reference, options?: BuildOptions,
): Promise<Built>
