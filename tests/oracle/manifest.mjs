// Microsoft's own check of a manifest of Teams, against Microsoft's schema of the version that it names.
// In: one manifest a line, as JSON, until the end of the input. Out, in the same order: what is wrong, a list.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const { AppManifestUtils } = require('@microsoft/app-manifest')
const schemas = join(dirname(require.resolve('@microsoft/app-manifest')), 'json-schemas', 'teams')

for await (const line of createInterface({ input: process.stdin })) {
  const manifest = JSON.parse(line)
  const [, version] = manifest.$schema.match(/\/teams\/(v[\d.]+)\/MicrosoftTeams\.schema\.json$/)
  const schema = JSON.parse(await readFile(join(schemas, version, 'MicrosoftTeams.schema.json'), 'utf8'))
  process.stdout.write(JSON.stringify(await AppManifestUtils.validateAgainstSchema(manifest, schema)) + '\n')
}
