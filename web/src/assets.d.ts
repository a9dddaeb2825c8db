/** Files that the bundler takes in by name. */
declare module '*.css'
