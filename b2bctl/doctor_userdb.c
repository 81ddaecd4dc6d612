/* systemd-userdbd: io.systemd.NameServiceSwitch answers everybody, with root's eyes, for every name that NSS has. */
#include "b2bctl/doctor.h"

#define MEND "run \"systemctl disable --now systemd-userdbd.socket systemd-userdbd.service\""

void b2b_doctor_userdb(struct b2b_doctor *doctor)
{
	bool runs = b2b_doctor_listens(doctor, "/run/systemd/userdb/io.systemd.Multiplexer") ||
	            b2b_doctor_listens(doctor, "/run/systemd/userdb/io.systemd.NameServiceSwitch");
	bool boots = b2b_doctor_any(doctor, "/etc/systemd/system/*.wants/systemd-userdbd.socket") ||
	             b2b_doctor_any(doctor, "/etc/systemd/system/*.wants/systemd-userdbd.service");

	if (!runs && !boots)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "systemd-userdbd does not run");
	else if (b2b_doctor_all_visible(doctor))
		b2b_doctor_say(doctor, B2B_VERDICT_OK, "systemd-userdbd tells everybody of every partner, as visibility = everyone does");
	else
		b2b_doctor_say(doctor, runs ? B2B_VERDICT_PROBLEM : B2B_VERDICT_WARNING,
		               "systemd-userdbd %s and tells every partner of all others; " MEND, runs ? "runs" : "starts at boot");
}
