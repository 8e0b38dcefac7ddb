// Input that is huge, deep, or long: refused or read, never a crash.
import assert from 'node:assert/strict'
import test from 'node:test'
import * as castline from 'castline'
import { target } from './support.mjs'

const { Fleet, Ledger, Policy, Rootfs } = castline
const MIB = 1 << 20

test('documents that are deep are refused', () => {
  for (const open of ['[', '{"a":', '[[{"x":']) {
    for (const kind of [Fleet, Policy, castline.Release, castline.Plan]) {
      assert.throws(() => kind.fromJSON(open.repeat(100_000)), { code: 'INVALID_DOCUMENT' })
    }
    assert.throws(() => castline.importKubernetes(open.repeat(100_000)), { code: 'INVALID_DOCUMENT' })
    assert.throws(() => castline.importDocker(open.repeat(100_000)), { code: 'INVALID_DOCUMENT' })
    assert.throws(() => Rootfs.fromJSONLines(open.repeat(100_000)), { code: 'INVALID_DOCUMENT' })
    assert.throws(() => Ledger.fromLines(open.repeat(100_000)), castline.BrokenChainError)
  }
})

test('documents of 64 MiB are refused or read, as text and as bytes', () => {
  const text = `{"service": "web", "instances": [${' '.repeat(64 * MIB)}]}`
  for (const form of [text, Buffer.from(text)]) assert.equal(Fleet.fromJSON(form).instances.length, 0)
  for (const form of ['"'.repeat(64 * MIB), Buffer.alloc(64 * MIB), Buffer.alloc(64 * MIB, 0xff), 'x'.repeat(64 * MIB)]) {
    assert.throws(() => Fleet.fromJSON(form), (error) => error.code === 'INVALID_DOCUMENT' && error.message.length < 1000)
    assert.throws(() => Ledger.fromLines(form), castline.BrokenChainError)
    assert.throws(() => castline.importAws(form), { code: 'INVALID_DOCUMENT' })
  }
  for (const kind of [castline.Digest, castline.Platform, castline.Reference, castline.Time, castline.Amount, castline.Revision]) {
    assert.throws(() => new kind('9'.repeat(16 * MIB)), (error) => error instanceof castline.CastlineError && error.message.length < 2000)
  }
  assert.equal(new Fleet('w'.repeat(MIB), []).service.length, MIB)
})

test('a fleet of two hundred thousand is planned from plain objects', async () => {
  const goal = target(undefined, 200_000)
  const plan = await castline.plan(goal)
  assert.equal(plan.replacements.length, 200_000)
  assert.equal(goal.fleet.instances.length, 200_000)
})

test('numbers keep within what JSON and Rust can say', async () => {
  const { ofProviderImage } = castline.Release
  const image = { provider: 'aws', id: 'a', provenance: { builder: 'b' } }
  assert.throws(() => ofProviderImage.call(castline.Release, 'web', image, 2n ** 64n), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => ofProviderImage.call(castline.Release, 'web', image, 2 ** 53), { code: 'ERR_OUT_OF_RANGE' })
  const goal = target()
  const plan = castline.planSync(goal)
  await assert.rejects(castline.explore(plan, goal, { faults: 2 ** 32 }), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => new castline.Window('* * * * *', 2n ** 64n), { code: 'ERR_OUT_OF_RANGE' })
})
