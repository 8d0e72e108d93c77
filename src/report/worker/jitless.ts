import { z } from 'zod'

// zod compiles checks with `new Function` where it may; the page's policy forbids it, and trying shows on the console.
z.config({ jitless: true })
