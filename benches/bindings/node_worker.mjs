// The worker in Node: does what `compare.py` asks of it, line by line, and says how long it took.
//   node node_worker.mjs PACKAGE      the folder of the installed package
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const castline = createRequire(import.meta.url)(process.argv[2])

const INSTANCES = 10_000
const provider = { provider: 'aws', id: 'ami-2', provenance: { builder: 'packer' } }
const release = castline.Release.ofProviderImage('web', provider, INSTANCES)
const budgets = [
  { maxUnavailable: '10% down', maxSurge: '10% up' },
  { scope: 'zone', maxUnavailable: '25% down', maxSurge: '25% up' },
]

const instances = () =>
  Array.from({ length: INSTANCES }, (_, n) => ({
    id: `i-${n.toString(16).padStart(8, '0')}`,
    image: 'ami-1',
    zone: 'abc'[n % 3],
  }))

const plan = (objects) =>
  castline.planSync(new castline.Target(new castline.Fleet('web', objects), release, new castline.Policy({ budgets })))

async function verify(image) {
  const { report } = await castline.verify(image)
  if (!report.complete) throw new Error('the image is not intact')
}

/** The longest that a timer had to wait for its turn, in seconds. */
async function gap(image) {
  let [last, longest] = [performance.now(), 0]
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  await verify(image)
  clearInterval(timer)
  return { gap: longest / 1000 }
}

async function repeated(times, work) {
  const began = performance.now()
  for (let time = 0; time < times; time += 1) await work()
  return { wall: (performance.now() - began) / 1000 }
}

function answer(task, rest) {
  switch (task) {
    case 'verify':
      return repeated(1, () => verify(rest))
    case 'plan': {
      const objects = instances()
      return repeated(Number(rest), () => plan(objects))
    }
    case 'make':
      return repeated(Number(rest), () => plan(instances()))
    case 'gap':
      return gap(rest)
    default:
      throw new Error(`no task is called ${task}`)
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const at = line.indexOf(' ')
  console.log(JSON.stringify(await answer(line.slice(0, at), line.slice(at + 1))))
}
