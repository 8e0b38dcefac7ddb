import type { DirectorySummary, DriftCounts, DriftFinding, DriftReportJSON, Ignored } from './json/drift.cjs'
import type { Finding, ImageSummary, InspectedImageJSON, InspectedLayerJSON, InspectionJSON, ReportJSON } from './json/report.cjs'

/** What a verification found: the same bytes and options give the same report. Iterates over its findings. */
export declare class Report {
  #private
  private constructor()
  /** False exactly when there is a finding of level error. */
  readonly intact: boolean
  /** Whether everything that was asked for was checked. `intact` without `complete` is not a clean verdict. */
  readonly complete: boolean
  /** The images that were checked, in the order in which the index names them. */
  readonly images: readonly ImageSummary[]
  /** What was found, in the order of the documents. */
  readonly findings: readonly Finding[]
  /** Bytes that were read and hashed, as stored. */
  readonly bytes: bigint
  /** Blobs that were read, each once. */
  readonly blobs: number
  [Symbol.iterator](): IterableIterator<Finding>
  /** As JSON.parse reads what the command line prints: sizes are numbers. */
  toJSON(): ReportJSON
}

/** How what runs differs from what was shipped. Iterates over its findings. */
export declare class DriftReport {
  #private
  private constructor()
  /** Whether something was added, removed, modified or mounted over, with severity critical or warning. */
  readonly drifted: boolean
  /** Whether everything was read. Not `drifted` without `complete` is not a clean verdict. */
  readonly complete: boolean
  /** The name of the profile that was applied. */
  readonly profile: string
  /** How many findings there are of each kind, those that were not kept included. */
  readonly counts: DriftCounts
  /** What was found, in the order of the paths. Of more than the limit, the worst are kept. */
  readonly findings: readonly DriftFinding[]
  /** How many findings were not kept. */
  readonly more: number
  /** All findings by folder, condensed. */
  readonly summary: readonly DirectorySummary[]
  /** What differs and is no finding, since a profile, a pattern or a declared mount says so. */
  readonly ignored: readonly Ignored[]
  /** How many of these were not kept. */
  readonly moreIgnored: number
  /** Entries of the scanned tree, the root included. */
  readonly entries: number
  /** Bytes of files that the scan read. */
  readonly bytes: bigint
  [Symbol.iterator](): IterableIterator<DriftFinding>
  /** As JSON.parse reads what the command line prints: sizes are numbers. */
  toJSON(): DriftReportJSON
}

/** What the documents of a source say, read without its layers. Iterates over its images. */
export declare class Inspection {
  #private
  private constructor()
  /** The images, in the order in which the index names them. */
  readonly images: readonly InspectedImage[]
  /** What is wrong with the documents. Layers were not read: only a verification does. */
  readonly findings: readonly Finding[]
  [Symbol.iterator](): IterableIterator<InspectedImage>
  /** As JSON.parse reads what the command line prints: sizes are numbers, of which those above 2^53 are rounded. */
  toJSON(): InspectionJSON
}

/** What one image's documents say. */
export interface InspectedImage extends Omit<InspectedImageJSON, 'size' | 'layers'> {
  /** Bytes of its layers as stored, as far as that is declared. */
  readonly size: bigint
  /** Its layers, lowest first. */
  readonly layers: readonly InspectedLayer[]
}

/** What the documents say of one layer. */
export interface InspectedLayer extends Omit<InspectedLayerJSON, 'size'> {
  /** Bytes as stored. */
  readonly size?: bigint
}
