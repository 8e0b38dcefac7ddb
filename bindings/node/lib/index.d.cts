export * from './json/drift.cjs'
export * from './json/entries.cjs'
export * from './json/events.cjs'
export * from './json/fleet.cjs'
export * from './json/import.cjs'
export * from './json/plan.cjs'
export * from './json/policy.cjs'
export * from './json/proof.cjs'
export * from './json/release.cjs'
export * from './json/report.cjs'

export * from './documents.cjs'
export * from './errors.cjs'
export * from './images.cjs'
export * from './import.cjs'
export * from './input.cjs'
export * from './ledger.cjs'
export * from './plans.cjs'
export * from './reports.cjs'
export * from './rollout.cjs'
export * from './texts.cjs'

/** The version of castline. */
export declare const version: string
