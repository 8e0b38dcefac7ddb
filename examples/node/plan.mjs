// Plans the replacement of a fleet, proves the plan, simulates it and prints it.
import assert from 'node:assert/strict'
import * as castline from 'castline'

const ids = [0, 1, 2, 3, 4, 5]
const fleet = new castline.Fleet('web', ids.map((n) => ({ id: `web-${n}`, image: 'ami-1', zone: 'abc'[n % 3] })))
const image = { provider: 'aws', id: 'ami-2', provenance: { builder: 'packer' } }
const release = castline.Release.ofProviderImage('web', image, 6)
const policy = new castline.Policy({ budgets: [{ maxUnavailable: 0, maxSurge: '25% up' }] })
const target = new castline.Target(fleet, release, policy)

const plan = await castline.plan(target)
const proof = await castline.check(plan, target)
const timeline = await castline.simulate(plan, target)

console.log(plan.toText(timeline))
assert.equal(timeline.outcome, 'succeeded')
assert.equal(proof.waves, plan.waves)
