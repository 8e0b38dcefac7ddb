// What is found of images. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

import type { Identities } from './release.cjs'

/** One fact in a report. */
export interface Finding {
  /** What is there. */
  readonly actual?: string
  /** What it is. */
  readonly code: FindingCode
  /** The blob it is about. */
  readonly digest?: string
  /** What should be there. */
  readonly expected?: string
  /** How bad it is. */
  readonly level: Level
  /** The fact in a sentence, for people. */
  readonly message: string
  /** The file in the layout or archive, or the entry in a layer, that it is about. */
  readonly path?: string
  /** Which documents refer to it, as `index.manifests[0].layers[1]`; at most so many are named. */
  readonly referencedBy?: readonly string[]
}

/** What a finding is: stable text, the same in every language. Never reused. */
export type FindingCode =
  /** No `oci-layout` file. */
  | 'oci-layout-missing'
  /** `oci-layout` cannot be read or is not JSON. */
  | 'oci-layout-unreadable'
  /** `oci-layout` names no `imageLayoutVersion`. */
  | 'layout-version-missing'
  /** `imageLayoutVersion` is not `1.0.0`. */
  | 'layout-version-unsupported'
  /** No `index.json`. */
  | 'index-missing'
  /** `index.json` is a folder, link out, fifo or device. */
  | 'index-not-a-file'
  /** The index document is of another media type. */
  | 'index-wrong-type'
  /** The index names no manifest, so there is nothing to check. */
  | 'index-no-manifests'
  /** An index contains itself. */
  | 'index-cycle'
  /** Indexes nest deeper than the limit. */
  | 'index-too-deep'
  /** The tag, digest or number names nothing here. */
  | 'reference-not-found'
  /** A document is not JSON. */
  | 'json-invalid'
  /** A document is not UTF-8. */
  | 'json-invalid-utf8'
  /** A document starts with a byte-order mark. */
  | 'json-bom'
  /** A document is not a JSON object. */
  | 'json-not-object'
  /** A key stands twice in one object. */
  | 'json-duplicate-key'
  /** A key differs from a known one by case only. */
  | 'json-case-variant-key'
  /** A document nests too deep. */
  | 'json-too-deep'
  /** `schemaVersion` is not 2. */
  | 'schema-version'
  /** A document has both layers and manifests. */
  | 'ambiguous-manifest'
  /** A manifest has no config. */
  | 'manifest-no-config'
  /** A manifest has no layers. */
  | 'manifest-no-layers'
  /** A field has another type than the specification gives it. */
  | 'manifest-malformed'
  /** The document's media type is not the descriptor's. */
  | 'mediatype-mismatch'
  /** A descriptor does not say what it points at. */
  | 'mediatype-missing'
  /** A media type that castline does not know: its bytes are checked, not its meaning. */
  | 'mediatype-unknown'
  /** A digest breaks the grammar. */
  | 'digest-malformed'
  /** A digest of an algorithm that castline does not compute. */
  | 'digest-algorithm-unsupported'
  /** A size that is no count of bytes. */
  | 'size-malformed'
  /** A descriptor's inline `data` is not the bytes that it names. */
  | 'embedded-data-mismatch'
  /** The blob is not there. */
  | 'blob-missing'
  /** The blob is a folder, fifo, socket or device. */
  | 'blob-not-a-file'
  /** The blob is a symbolic link that leaves the layout. */
  | 'blob-outside-layout'
  /** The blob could not be read to its end. */
  | 'blob-unreadable'
  /** The blob has another size than its descriptor says. */
  | 'blob-size-mismatch'
  /** The blob has another digest than its name. */
  | 'blob-digest-mismatch'
  /** An image configuration has no `rootfs`. */
  | 'config-no-rootfs'
  /** An entry of `diff_ids` is no digest. */
  | 'diffid-malformed'
  /** A layer's uncompressed bytes have another digest than the configuration says. */
  | 'diffid-mismatch'
  /** Layers and `diff_ids` differ in number. */
  | 'diffid-count-mismatch'
  /** A layer is compressed otherwise than its media type says. */
  | 'layer-compression-mismatch'
  /** The gzip stream does not decode, or its checksum is wrong. */
  | 'layer-gzip-corrupt'
  /** The gzip stream ends early. */
  | 'layer-gzip-truncated'
  /** Bytes after the last gzip member. */
  | 'layer-gzip-trailing-garbage'
  /** Zero bytes after the last gzip member. */
  | 'layer-gzip-trailing-zeros'
  /** The zstd stream does not decode, or its checksum is wrong. */
  | 'layer-zstd-corrupt'
  /** The zstd stream ends early. */
  | 'layer-zstd-truncated'
  /** Bytes after the last zstd frame. */
  | 'layer-zstd-trailing-garbage'
  /** The layer's content is no tar archive. */
  | 'layer-not-a-tar'
  /** The layer's tar breaks the format. */
  | 'layer-tar-malformed'
  /** An entry's path is absolute or leaves the root by `..`. */
  | 'layer-path-escape'
  /** The layers cannot be laid over each other: an entry stands in what is no folder, a hard link leads nowhere. */
  | 'rootfs-conflict'
  /** A layer whose content was not checked: foreign and absent, or encrypted. */
  | 'layer-skipped'
  /** The archive cannot be read. */
  | 'archive-unreadable'
  /** Two members of the archive have one name and other bytes. */
  | 'archive-duplicate-entry'
  /** The file holds neither `index.json` nor `manifest.json`. */
  | 'archive-is-not-an-image'
  /** A docker archive without `manifest.json`. */
  | 'docker-manifest-json-missing'
  /** `manifest.json` is not a list of images. */
  | 'docker-manifest-not-list'
  /** `manifest.json` spells its keys in lower case, which Docker accepts. */
  | 'docker-manifest-lowercase-keys'
  /** The configuration that `manifest.json` names is not there. */
  | 'config-missing'
  /** The configuration is not what its file name says. */
  | 'config-digest-mismatch'
  /** The configuration's file name is no digest, so nothing vouches for it. */
  | 'config-name-not-a-digest'
  /** A layer that `manifest.json` names is not there. */
  | 'layer-missing'
  /** A limit was passed. */
  | 'limit-exceeded'
  /** A Docker schema 1 manifest. */
  | 'schema1-unsupported'
  /** An index lists a platform whose manifest is not here. */
  | 'platform-absent'
  /** A blob that nothing refers to. */
  | 'unreferenced-blob'
  /** A file that is no part of the format. */
  | 'stray-file'

/** What a manifest stands for. */
export type ImageKind =
  /** A container image: its configuration lists the layers' diffIDs. */
  | 'image'
  /** Anything else that is stored as a manifest: a signature, an SBOM, a chart. */
  | 'artifact'
  /** A manifest of platform `unknown/unknown`, as BuildKit stores attestations. */
  | 'attestation'

/** One image of a report. */
export interface ImageSummary {
  /** The digest of its configuration: Docker's image ID. */
  readonly config?: string
  /** The digest of its manifest; in a docker archive, which has none, of its configuration. */
  readonly digest: string
  /** Whether it is intact by itself: no finding of level error concerns it. */
  readonly intact: boolean
  /** What it is. */
  readonly kind: ImageKind
  /** How many layers it has. */
  readonly layers: number
  /** What it runs on, where that is said. */
  readonly platform?: string
  /** The tags and names that lead to it here. */
  readonly references?: readonly string[]
}

/** How bad a finding is. */
export type Level =
  /** The image is not what it says it is. */
  | 'error'
  /** Something was not checked, or other tools will stumble. */
  | 'warning'
  /** Good to know. */
  | 'info'

/** What a verification found: the same bytes and options give the same report, whatever the number of jobs. */
export interface ReportJSON {
  /** Blobs that were read: documents, layers and others, each once. */
  readonly blobs: number
  /** Bytes that were read and hashed, as stored. */
  readonly bytes: number
  /**
   * Whether everything that was asked for was checked: false when the image is not intact or a layer was skipped
   * (foreign and absent, encrypted, of an unknown type) or an entry is of an unknown type. `intact` without
   * `complete` is not a clean verdict.
   */
  readonly complete: boolean
  /** What was found, in the order of the documents; it does not depend on timing. */
  readonly findings: readonly Finding[]
  /** The images that were checked, in the order in which the index names them. */
  readonly images: readonly ImageSummary[]
  /** False exactly when there is a finding of level error. */
  readonly intact: boolean
}

/** What one image's documents say. */
export interface InspectedImageJSON {
  /** Free text by key. */
  readonly annotations: { readonly [name: string]: string }
  /** What kind of artifact it is, where it is one. */
  readonly artifactType?: string
  /** What it asks of a runtime. */
  readonly config?: Runtime
  /** When it was made, as written (RFC 3339). */
  readonly created?: string
  /** Its canonical identity. */
  readonly digest: string
  /** The digests that name it in the wild. */
  readonly identities: Identities
  /** What it is. */
  readonly kind: ImageKind
  /** Its layers, lowest first. */
  readonly layers: readonly InspectedLayerJSON[]
  /** The media type that its manifest names itself by. */
  readonly mediaType?: string
  /** What it runs on. */
  readonly platform?: string
  /** The tags and names that lead to it here. */
  readonly references: readonly string[]
  /** Bytes of its layers as stored, as far as that is declared. */
  readonly size: number
  /** The manifest that it is attached to. */
  readonly subject?: string
}

/** What the documents say of one layer. */
export interface InspectedLayerJSON {
  /** The digest of the content. */
  readonly diffId?: string
  /** The digest of the blob; absent in a docker archive. */
  readonly digest?: string
  /** What the blob is. */
  readonly mediaType?: string
  /** Bytes as stored. */
  readonly size?: number
}

/** What the image asks of a runtime: the `config` member of the configuration. */
export interface Runtime {
  /** Its default arguments. */
  readonly cmd: readonly string[]
  /** What is run. */
  readonly entrypoint: readonly string[]
  /** `NAME=value`, in order. */
  readonly env: readonly string[]
  /** `port/protocol`. */
  readonly exposedPorts: readonly string[]
  /** Free text by key. */
  readonly labels: { readonly [name: string]: string }
  /** The signal that asks it to stop. */
  readonly stopSignal?: string
  /** `user[:group]`, by name or number. */
  readonly user?: string
  /** Paths that hold data of the instance's own. */
  readonly volumes: readonly string[]
  /** Where it is run. */
  readonly workingDir?: string
}

/** What the documents of a source say, read without its layers. */
export interface InspectionJSON {
  /** What is wrong with the documents. Layers were not read: only a verification does. */
  readonly findings: readonly Finding[]
  /** The images, in the order in which the index names them. */
  readonly images: readonly InspectedImageJSON[]
}
