import { z } from 'zod'
import { defineAcceptPolicy, guestParams, unitParam } from './types.ts'

/** Everything at boot. */
export const eager = defineAcceptPolicy({
  id: 'eager',
  title: 'all memory is accepted at boot',
  source: '__free_pages_core() with accept_memory=eager, mm/page_alloc.c, v6.12.107',
  leavesOut: 'the boot stub’s share; deferred struct page initialisation, which would overlap with it',
  params: guestParams.extend({
    unitPages: unitParam,
    bootCpus: z.int().min(1).max(4096).default(1).meta({ unit: 'CPUs', help: 'That accept at the same time.' }),
  }),
  unitPages: ({ unitPages }) => unitPages,
  drivenBy: 'touch',
  create: ({ bootCpus }) => ({ bootCpus }),
})
