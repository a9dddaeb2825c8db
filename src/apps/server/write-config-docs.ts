/** `npm run docs`: writes docs/config.md from the config tables. */
import { writeFileSync } from 'node:fs'
import { configMarkdown } from '#platform/runtime'
import { configTables } from './config-docs.ts'

const page = new URL('../../../docs/config.md', import.meta.url)
writeFileSync(page, configMarkdown(await configTables()))
