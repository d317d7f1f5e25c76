// An independent evaluator of IAM policies. In: one simulation a line, as JSON, until the end of the input.
// Out, in the same order: {"result": "Allowed" | "ImplicitlyDenied" | "ExplicitlyDenied"}, or {"error": …}
// for what AWS would not have stored in the first place. "anonymous" as principal stands for nobody.
// Its licence is the AGPL: it stays a process of its own in the tests, and is no part of what is shipped.
import { createInterface } from 'node:readline'
import { anonymousPrincipal, runSimulation } from '@cloud-copilot/iam-simulate'

async function answer(simulation) {
  if (simulation.request.principal === 'anonymous') {
    simulation.request.principal = anonymousPrincipal
  }
  try {
    const outcome = await runSimulation(simulation, {})
    return outcome.resultType === 'error' ? { error: outcome.errors } : { result: outcome.overallResult }
  } catch (error) {
    return { error: String(error) }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n')
}
