/** The authorization server: apps that people let act for them. */
export type { AuthorizedApp } from './app-sessions.ts'
export type { Client } from './clients.ts'
export { OAuthEndpoints } from './endpoints.ts'
export { OAuth } from './oauth.ts'
export { OAuthError } from './oauth-error.ts'
export type { PushedRequest } from './requests.ts'
