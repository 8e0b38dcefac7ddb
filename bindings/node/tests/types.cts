// The same types by `require`, and that they are the same.
import castline = require('castline')
import type { Plan } from 'castline'

const target = new castline.Target(new castline.Fleet('web', []), castline.Release.fromJSON('{}'))
const plan: Plan = castline.planSync(target)
const bytes: Promise<bigint> = castline.verify('oci:x').then(({ report }) => report.bytes)
// @ts-expect-error what is not exported is not there
castline.internal
// @ts-expect-error nor are handles
castline.Fleet.handle
// @ts-expect-error there is no default export
castline.default
const esm: Promise<typeof import('castline', { with: { 'resolution-mode': 'import' } })> = import('castline')
const same: Promise<Plan> = esm.then((module) => module.planSync(target))
export { bytes, plan, same }
