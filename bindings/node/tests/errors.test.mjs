// Errors: the codes of every language, classes by kind, and panics.
import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'
import * as castline from 'castline'
import { VECTORS, budgets, native, target } from './support.mjs'

test('errors have the codes of every language, and say what is wrong', async () => {
  assert.throws(() => new castline.Digest('sha256:x'), { name: 'CastlineError', code: 'INVALID_DIGEST', message: /sha256:x/ })
  assert.throws(() => new castline.Platform('x'), { code: 'INVALID_PLATFORM' })
  assert.throws(() => new castline.Reference('x'), { code: 'INVALID_REFERENCE' })
  assert.throws(() => new castline.Amount('x'), { code: 'INVALID_AMOUNT' })
  assert.throws(() => new castline.Time('x'), { code: 'INVALID_TIME' })
  assert.throws(() => new castline.Window('x', 1), { code: 'INVALID_WINDOW' })
  assert.throws(() => castline.Policy.fromJSON('{"budget": []}'), { code: 'INVALID_DOCUMENT', message: /line 1 column/ })
  const canary = '{"strategy": {"canary": {}}}'
  assert.throws(() => castline.Policy.fromJSON(canary), { code: 'INVALID_DOCUMENT', message: /strategy\.canary: invalid type/ })
  await assert.rejects(castline.verify('oci:/nowhere/at/all'), { code: 'IO', message: /nowhere/ })
  const rootfs = castline.Rootfs.fromJSONLines('')
  await assert.rejects(castline.compare(rootfs, rootfs, { ignore: ['['] }), { code: 'INVALID_GLOB' })
  const goal = target()
  const others = new castline.Target(goal.fleet, goal.release.withReplicas(5), goal.policy)
  assert.throws(() => new castline.Rollout(castline.planSync(goal), others, { at: new Date(0) }), { code: 'STALE_PLAN' })
})

test('what has details has a class of its own', async () => {
  const infeasible = await castline.plan(target(budgets(0, 0))).catch((error) => error)
  assert.ok(infeasible instanceof castline.InfeasibleError && infeasible instanceof castline.CastlineError)
  assert.equal(infeasible.name, 'InfeasibleError')
  assert.equal(infeasible.code, 'budgets-in-conflict')
  assert.ok(infeasible.conflict[0].name && infeasible.conflict === infeasible.detail.conflict && Object.isFrozen(infeasible.conflict))
  assert.match(infeasible.stack, /InfeasibleError|Error: /)

  const goal = target()
  const changed = structuredClone(castline.planSync(goal).toJSON())
  changed.limits[0].floor = 0
  const lax = castline.Plan.fromJSON(changed)
  for (const violation of [await castline.check(lax, goal).catch((error) => error), thrown(() => castline.checkSync(lax, goal))]) {
    assert.ok(violation instanceof castline.ViolationError)
    assert.equal(violation.code, 'limit-too-lax')
    assert.ok(Array.isArray(violation.trace) && violation.detail.message)
  }

  const lines = new castline.Ledger().append('2026-01-01T00:00:00Z', 'ann', { kind: 'note', text: 'one' })
    .append('2026-01-01T00:00:01Z', 'ann', { kind: 'note', text: 'two' })
  const text = Buffer.from(lines.toLines()).toString()
  const broken = thrown(() => castline.Ledger.fromLines(text.replace('two', 'TWO'), { head: lines.head }))
  assert.ok(broken instanceof castline.BrokenChainError && castline.codes.ledger.includes(broken.code))
  const torn = thrown(() => castline.Ledger.fromLines(text.slice(0, -5)))
  assert.deepEqual([torn.code, torn.position, torn.offset], ['torn', 1, text.indexOf('\n') + 1])
  assert.ok(castline.Ledger.fromLines(text, { head: lines.head, within: String(lines.head) }).equals(lines))

  const layout = `oci:${path.join(VECTORS, 'layouts/flipped-bit-in-a-tar-layer')}`
  const invalid = await castline.tree(layout).catch((error) => error)
  assert.ok(invalid instanceof castline.InvalidImageError && invalid.report instanceof castline.Report)
  assert.equal(invalid.code, 'INVALID_IMAGE')
  assert.equal(typeof invalid.report.bytes, 'bigint')
  assert.deepEqual(invalid.report, (await castline.verify(layout)).report)
})

test('what the system refuses says so as it does elsewhere in Node', async () => {
  for (const call of [() => castline.verify('oci:/nowhere/at/all'), () => castline.scan('/nowhere/at/all')]) {
    const error = await call().then(assert.fail, (reason) => reason)
    assert.ok(error instanceof castline.SourceError && error instanceof castline.CastlineError)
    assert.deepEqual([error.name, error.code, error.errno, error.path], ['SourceError', 'IO', -2, '/nowhere/at/all'])
    assert.deepEqual([error.cause.code, error.cause.errno, error.cause.path], ['ENOENT', -2, '/nowhere/at/all'])
  }
  // What is in a path is not taken for what is beside a message.
  const odd = path.join(import.meta.dirname, 'nowhere\u0001[1]')
  const error = await castline.scan(odd).then(assert.fail, (reason) => reason)
  assert.deepEqual([error.code, error.path], ['IO', odd])
  const file = await castline.verify(`oci:${path.join(VECTORS, 'index.tsv')}`).then(assert.fail, (reason) => reason)
  assert.equal(file.cause.code, 'ENOTDIR')
})

test('an instance without an id, and a moment of no year with four digits, are refused', () => {
  assert.throws(() => new castline.Fleet('web', [{ id: '' }]), { code: 'INVALID_DOCUMENT', message: /an instance has no id/ })
  const last = new castline.Time('9999-12-31T23:59:59.999Z')
  assert.ok(castline.Time.fromMillis(last.millis).equals(last) && new castline.Time(last.toDate()).equals(last))
  for (const millis of [last.millis + 1, Number.MAX_SAFE_INTEGER, -62_167_219_200_001]) {
    assert.throws(() => castline.Time.fromMillis(millis), { code: 'INVALID_TIME', message: new RegExp(millis) })
  }
  assert.throws(() => new castline.Time(new Date(last.millis + 1)), { code: 'INVALID_TIME' })
})

function thrown(work) {
  try {
    work()
  } catch (error) {
    return error
  }
  assert.fail('it did not throw')
}

test('every code is known, once', () => {
  assert.deepEqual(Object.keys(castline.codes).sort(), ['drift', 'error', 'finding', 'infeasible', 'ledger', 'violation'])
  for (const [kind, names] of Object.entries(castline.codes)) {
    assert.ok(names.length > 5 && new Set(names).size === names.length, kind)
    for (const name of names) assert.match(name, kind === 'error' ? /^[A-Z_]+$/ : /^[a-z0-9-]+$/)
  }
})

// The function is only there where castline is built for tests.
test('a panic is an error, and Node lives on', { skip: native.panicNow === undefined }, async () => {
  assert.throws(() => native.panicNow(), /as it was asked to/)
  await assert.rejects(native.panicLater(new native.Watch()), { code: 'INTERNAL', message: /as it was asked to/ })
  await Promise.all(Array.from({ length: 5 }, () => assert.rejects(native.panicLater(new native.Watch()))))
  assert.ok(castline.planSync(target()).waves > 0)
})
