// What the binding for Node costs, as lines of JSON to be put beside those of `rust.rs`.
//
//   cargo build --release -p castline-node
//   cp target/release/libcastline_node.so bindings/node/castline.node
//   node benches/bindings/node.mjs [IMAGE] [ROUNDS]
import * as castline from '../../bindings/node/lib/index.mjs'

const SIZE = 10_000
const [image, rounds = '25'] = process.argv.slice(2)
const median = (times) => times.sort((one, other) => one - other)[times.length >> 1]
const told = (what, ms) => console.log(JSON.stringify({ language: 'node', what, ms }))

/** The same as in `rust.rs`: three zones, a budget of the fleet and one of each zone. */
const instances = () =>
  Array.from({ length: SIZE }, (_, n) => ({ id: `i-${n.toString(16).padStart(8, '0')}`, image: 'ami-1', zone: 'abc'[n % 3] }))
const provider = { provider: 'aws', id: 'ami-2', provenance: { builder: 'packer' } }
const release = castline.Release.ofProviderImage('web', provider, SIZE)
const policy = new castline.Policy({
  budgets: [
    { scope: 'fleet', maxUnavailable: '10% down', maxSurge: '10% up' },
    { scope: 'zone', maxUnavailable: '25% down', maxSurge: '25% up' },
  ],
})

const times = { fleet: [], sync: [], promised: [] }
for (let round = 0; round < Number(rounds) * 2; round += 1) {
  const plain = instances()
  const began = performance.now()
  const fleet = new castline.Fleet('web', plain)
  const made = performance.now()
  const target = new castline.Target(fleet, release, policy)
  if (round % 2) {
    await castline.plan(target)
    times.promised.push(performance.now() - began)
  } else {
    castline.planSync(target)
    times.sync.push(performance.now() - began)
  }
  times.fleet.push(made - began)
  // What nobody holds any more is let go of between the rounds, not in one of them.
  await new Promise(setImmediate)
}
told('fleet-10000', median(times.fleet))
told('plan-10000', median(times.sync))
told('plan-10000-promise', median(times.promised))

if (image) {
  const [verified, gaps] = [[], []]
  for (let round = 0; round < Number(rounds); round += 1) {
    let [last, gap] = [performance.now(), 0]
    const timer = setInterval(() => {
      const now = performance.now()
      gap = Math.max(gap, now - last)
      last = now
    }, 5)
    const began = performance.now()
    await castline.verify(image)
    verified.push(performance.now() - began)
    clearInterval(timer)
    gaps.push(gap)
  }
  told('verify', median(verified))
  told('largest-gap-of-a-timer', Math.max(...gaps))
}
