// Verifies an image: `node verify.mjs oci:DIR:TAG`.
import * as castline from 'castline'

const progress = ({ bytes, totalBytes }) => process.stderr.write(`\r${bytes.toLocaleString()} of ${totalBytes.toLocaleString()} bytes`)

const { report } = await castline.verify(process.argv[2], { progress })
process.stderr.write('\n')
for (const { level, message, code } of report) console.log(`${level}: ${message} [${code}]`)
console.log(`${report.complete ? 'intact' : 'NOT intact'}: ${report.blobs} blobs, ${report.bytes} bytes`)
process.exitCode = report.complete ? 0 : 1
