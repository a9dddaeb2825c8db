import { ConfigError } from '#platform/runtime'

const SECRET_MIN = 20

/** Secrets by hostname, of settings written HOST=SECRET. Throws ConfigError, which tells no secret. */
export function readLeaseSecrets(lines: readonly string[]): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>()
  const problems: string[] = []
  for (const [index, line] of lines.entries()) {
    const at = line.indexOf('=')
    const [hostname, secret] = [line.slice(0, at).toLowerCase(), line.slice(at + 1)]
    const which = `lease secret ${index + 1}`
    if (at < 1) problems.push(`${which} must be written HOST=SECRET`)
    else if (secret.length < SECRET_MIN) {
      problems.push(`${which}, of ${hostname}, must have at least ${SECRET_MIN} characters`)
    } else if (secrets.has(hostname)) problems.push(`${hostname} has two lease secrets`)
    else secrets.set(hostname, secret)
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return secrets
}
