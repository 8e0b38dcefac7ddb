// Long work: off the event loop, watched, stopped before it begins, on its way, and by what its callback throws.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import path from 'node:path'
import test, { after, before } from 'node:test'
import * as castline from 'castline'
import { VECTORS, largeImage, target } from './support.mjs'

const LAYOUT = `oci:${path.join(VECTORS, 'layouts/three-layers')}`
let large, goal, plan, rootfs
before(() => {
  large = largeImage(256 << 20)
  goal = target()
  plan = castline.planSync(goal)
  rootfs = castline.Rootfs.fromJSONLines('')
})
after(() => large.dispose())

/** Every long function, called with options; `slow` has enough to do to be stopped on the way. */
const LONG = {
  verify: (options) => castline.verify(LAYOUT, options),
  inspect: (options) => castline.inspect(LAYOUT, options),
  tree: (options) => castline.tree(LAYOUT, options),
  scan: (options) => castline.scan(VECTORS, options),
  compare: (options) => castline.compare(rootfs, rootfs, options),
  plan: (options) => castline.plan(goal, options),
  check: (options) => castline.check(plan, goal, options),
  explore: (options) => castline.explore(plan, goal, options),
  simulate: (options) => castline.simulate(plan, goal, options),
}
const SLOW = {
  verify: (options) => castline.verify(large.reference, { ...options, jobs: 1 }),
  tree: (options) => castline.tree(large.reference, { ...options, jobs: 1 }),
  scan: (options) => castline.scan(large.folder, options),
}
/** Those that cannot be stopped once begun, with enough to do to be let go of. */
const DROPPED = {
  plan: (options) => castline.plan(target(undefined, 20_000), options),
  check: (options) => castline.check(plan, goal, options),
  explore: (options) => castline.explore(plan, goal, { ...options, faults: 3 }),
  simulate: (options) => castline.simulate(plan, goal, options),
  compare: (options) => castline.compare(rootfs, rootfs, options),
}

for (const [name, call] of Object.entries(LONG)) {
  test(`${name} is not begun where the signal is aborted already, and gives its reason`, async () => {
    await assert.rejects(call({ signal: AbortSignal.abort() }), { name: 'AbortError', code: 20 })
    const reason = { any: 'thing' }
    assert.equal(await call({ signal: AbortSignal.abort(reason) }).then(assert.fail, (error) => error), reason)
    assert.equal(await call({ signal: AbortSignal.abort('text') }).then(assert.fail, (error) => error), 'text')
  })

  test(`${name} leaves no listener behind`, async () => {
    const { signal } = new AbortController()
    assert.ok(await call({ signal }))
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })
}

for (const [name, call] of Object.entries(SLOW)) {
  test(`${name} is stopped on its way`, async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const working = call({ signal: controller.signal, progress: () => controller.abort(reason) })
    assert.equal(await working.then(assert.fail, (error) => error), reason)
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  })

  test(`${name} is stopped by what its callback throws, at once or later`, async () => {
    const thrown = new RangeError('no more')
    const progress = () => { throw thrown }
    assert.equal(await call({ progress }).then(assert.fail, (error) => error), thrown)
    // One that is async: what it is rejected with is no unhandled rejection.
    const later = async () => { throw thrown }
    assert.equal(await call({ progress: later }).then(assert.fail, (error) => error), thrown)
    assert.equal(await call({ progress: () => { throw undefined } }).then(assert.fail, (error) => error), undefined)
  })
}

test('what an async callback is rejected with counts, also after the last call', async () => {
  const thrown = new RangeError('no more')
  // So small that it is told of once, at the end.
  let calls = 0
  const progress = async () => {
    calls += 1
    await new Promise((resolve) => setTimeout(resolve, 20))
    throw thrown
  }
  assert.equal(await castline.verify(LAYOUT, { progress }).then(assert.fail, (error) => error), thrown)
  assert.equal(calls, 1)
  // What it does is waited for, but not by who aborts.
  let done = false
  await castline.verify(LAYOUT, { progress: async () => { await new Promise((resolve) => setTimeout(resolve, 20)); done = true } })
  assert.ok(done)
  const controller = new AbortController()
  const working = castline.verify(LAYOUT, {
    signal: controller.signal,
    progress: () => {
      setTimeout(() => controller.abort(thrown), 20)
      return new Promise(() => {})
    },
  })
  assert.equal(await working.then(assert.fail, (error) => error), thrown)
})

for (const [name, call] of Object.entries(DROPPED)) {
  test(`${name} is let go of at once`, async () => {
    const controller = new AbortController()
    const working = call({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(working, { message: 'enough' })
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  })
}

test('a signal that times out says so', async () => {
  await assert.rejects(castline.verify(large.reference, { jobs: 1, signal: AbortSignal.timeout(1) }), { name: 'TimeoutError' })
})

test('progress goes up to the end', async () => {
  const seen = []
  const { report } = await castline.verify(large.reference, { progress: (now) => seen.push(now) })
  assert.ok(report.complete)
  const last = seen.at(-1)
  assert.deepEqual([last.bytes, last.totalBytes, last.blobs, last.totalBlobs], [report.bytes, report.bytes, report.blobs, report.blobs])
  assert.ok(seen.every((now, at) => at === 0 || now.bytes >= seen[at - 1].bytes))
  assert.deepEqual([typeof last.bytes, typeof last.blobs], ['bigint', 'number'])
})

test('the event loop goes on meanwhile', async (t) => {
  let [ticks, last, gap] = [0, performance.now(), 0]
  const timer = setInterval(() => {
    const now = performance.now()
    gap = Math.max(gap, now - last)
    last = now
    ticks += 1
  }, 5)
  await castline.verify(large.reference)
  clearInterval(timer)
  t.diagnostic(`${ticks} ticks of a timer of 5 ms, the longest gap ${gap.toFixed(1)} ms`)
  assert.ok(ticks > 3, `${ticks} ticks`)
})

test('much at once is done, in any order, with Node\'s own pool left to Node', async () => {
  const { readFile } = await import('node:fs/promises')
  const works = Array.from({ length: 6 }, () => castline.verify(large.reference, { jobs: 1 }))
  // Node reads files on its pool of four; none of these is waited for.
  const own = await Promise.race([readFile(new URL(import.meta.url)), ...works])
  assert.ok(own instanceof Buffer)
  for (const { report } of await Promise.all(works)) assert.ok(report.complete)
  const plans = await Promise.all(Array.from({ length: 200 }, () => castline.plan(goal)))
  assert.ok(plans.every((one) => one.equals(plan)))
})

test('what waits for a thread is not begun once its signal is aborted', async () => {
  const works = Array.from({ length: 30 }, () => {
    const controller = new AbortController()
    return [controller, castline.verify(large.reference, { signal: controller.signal, jobs: 1 })]
  })
  for (const [controller] of works) controller.abort()
  const ends = await Promise.allSettled(works.map(([, work]) => work))
  assert.ok(ends.every(({ reason }) => reason?.name === 'AbortError'))
})
