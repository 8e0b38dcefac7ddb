// What `processes.test.mjs` has done on another thread or in another process.
import { parentPort, workerData } from 'node:worker_threads'
import * as castline from 'castline'

const { work, image } = workerData ?? { work: process.argv[2], image: process.argv[3] }
const tell = (message) => (parentPort ? parentPort.postMessage(message) : process.send(message))

switch (work) {
  case 'plan':
    parentPort.once('message', async ([fleet, release, policy]) => {
      const { Fleet, Policy, Release, Target } = castline
      const target = new Target(Fleet.fromJSON(fleet), Release.fromJSON(release), Policy.fromJSON(policy))
      tell((await castline.plan(target)).toJSON())
    })
    break
  case 'verify': {
    let first = true
    await castline.verify(image, { jobs: 1, progress: () => { if (first) tell('begun'); first = false } })
    break
  }
  case 'leave':
    // Not before it has begun.
    castline.verify(image, { jobs: 1, progress: () => process.exit(3) })
    break
  case 'report':
    tell((await castline.verify(image)).report.toJSON())
    if (!parentPort) process.disconnect()
    break
  case 'print':
    castline.verify(image).then(({ report }) => console.log(report.complete))
    break
}
