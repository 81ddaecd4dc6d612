/* The page behind the link that an invited person is sent. */
#ifndef FED_INVITATION_H
#define FED_INVITATION_H

#define FED_INVITATION_PATH "/invitation"

#endif
