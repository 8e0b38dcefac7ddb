// What was built, as `castline build --json` prints it: plain objects, of which `schemas/` is the same.

/** What a description gave: the image for its only platform, or an index of images. */
export type BuiltJSON = BuiltImageJSON | BuiltIndexJSON

/** An image that was built, whose blobs are in the layout. */
export interface BuiltImageJSON {
  readonly annotations?: { readonly [key: string]: string }
  /** What kind of artifact it is. */
  readonly artifactType?: string
  /** The digest of its configuration: Docker's image ID. */
  readonly config: string
  /** The blob itself, in Base64. */
  readonly data?: string
  /** The digest of its manifest. */
  readonly digest: string
  /** Its layers, lowest first; those of the base are left out. */
  readonly layers: readonly BuiltLayerJSON[]
  /** What the blob is. */
  readonly mediaType: string
  /** What it is for. */
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string }
  /** Its size in bytes. */
  readonly size: number
  readonly urls?: readonly string[]
}

/** An index of images that were built. */
export interface BuiltIndexJSON {
  readonly annotations?: { readonly [key: string]: string }
  /** What kind of artifact it is. */
  readonly artifactType?: string
  /** The blob itself, in Base64. */
  readonly data?: string
  /** The digest of the index. */
  readonly digest: string
  /** Its images, in the order of the index. */
  readonly images: readonly BuiltImageJSON[]
  /** What the blob is. */
  readonly mediaType: string
  /** What it is for. */
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string }
  /** Its size in bytes. */
  readonly size: number
  readonly urls?: readonly string[]
}

/** A layer that was built. */
export interface BuiltLayerJSON {
  /** The length of the tar in bytes. */
  readonly bytes: number
  /** The digest of the tar in it. */
  readonly diffId: string
  /** The digest of the blob. */
  readonly digest: string
  /** How many entries the tar has. */
  readonly entries: number
  /** Its length in bytes. */
  readonly size: number
}
